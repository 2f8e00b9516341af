#include "storage/model/event.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/model/events.hpp"

namespace codasync {
namespace {

using test::adjust;
using test::check;
using test::count;
using test::december;
using test::sighting;
using test::void_of;

TEST(ShelfDates, the_shorter_wins_and_of_equal_dates_the_stricter_kind) {
  const std::vector<std::optional<DateKind>> strictest_first{DateKind::use_by, DateKind::sell_by,
                                                             DateKind::best_before, std::nullopt};
  std::vector<ShelfDate> ascending;
  for (const unsigned day : {1U, 2U}) {
    for (const auto kind : strictest_first) ascending.push_back(december(day, kind));
  }
  for (std::size_t a = 0; a < ascending.size(); ++a) {
    for (std::size_t b = 0; b < ascending.size(); ++b) {
      EXPECT_EQ(shorter(ascending[a], ascending[b]), ascending[std::min(a, b)]);
      EXPECT_EQ(shorter(ascending[a], ascending[b]), shorter(ascending[b], ascending[a]));
      for (const auto& c : ascending) {
        EXPECT_EQ(shorter(shorter(ascending[a], ascending[b]), c),
                  shorter(ascending[a], shorter(ascending[b], c)));
      }
    }
    EXPECT_EQ(shorter(ascending[a], ascending[a]), ascending[a]);
  }
}

TEST(Names, of_kinds_can_be_parsed) {
  for (const auto kind : {DateKind::use_by, DateKind::sell_by, DateKind::best_before}) {
    EXPECT_EQ(parse_date_kind(name_of(kind)), kind);
  }
  for (const auto kind : {EventKind::sighting, EventKind::check, EventKind::count,
                          EventKind::adjust, EventKind::remove, EventKind::void_event}) {
    EXPECT_EQ(parse_event_kind(name_of(kind)), kind);
  }
  EXPECT_EQ(name_of(EventKind::void_event), "void");
  EXPECT_EQ(parse_event_kind("void_event"), std::nullopt);
  EXPECT_EQ(parse_date_kind("USE_BY"), std::nullopt);
}

TEST(Operations, have_the_same_content_at_different_times) {
  EXPECT_TRUE(same_content(sighting(1, december(24)), sighting(5, december(24))));
  EXPECT_TRUE(same_content(adjust(1, -2), adjust(2, -2)));
  const auto target = count(1, 5);
  EXPECT_TRUE(same_content(void_of(target, 2), void_of(target, 3)));
}

TEST(Operations, differ_in_each_field_of_their_content) {
  const auto first = sighting(1, december(24, DateKind::use_by), 3);
  EXPECT_FALSE(same_content(first, check(1, december(24, DateKind::use_by), 3)));
  EXPECT_FALSE(same_content(first, sighting(1, december(25, DateKind::use_by), 3)));
  EXPECT_FALSE(same_content(first, sighting(1, december(24, DateKind::sell_by), 3)));
  EXPECT_FALSE(same_content(first, sighting(1, december(24), 3)));
  EXPECT_FALSE(same_content(first, sighting(1, december(24, DateKind::use_by), 4)));
  EXPECT_FALSE(same_content(first, sighting(1, december(24, DateKind::use_by))));
  EXPECT_FALSE(same_content(first, sighting(1, std::nullopt, 3)));
  EXPECT_FALSE(same_content(adjust(1, -2), adjust(1, 2)));
  EXPECT_FALSE(same_content(void_of(count(1, 5), 2), void_of(count(1, 5), 2)));
}

// The kind of the stored check can be copied from the reading that it confirmed.
TEST(Operations, have_the_same_content_when_a_check_has_no_kind_of_date) {
  const auto stored = check(1, december(24, DateKind::best_before));
  EXPECT_TRUE(same_content(stored, check(1, december(24))));
  EXPECT_FALSE(same_content(stored, check(1, december(23))));
  EXPECT_FALSE(same_content(check(1, december(24)), check(1, december(24, DateKind::use_by))));
  EXPECT_TRUE(same_content(check(1, std::nullopt), check(2, std::nullopt)));
  EXPECT_FALSE(same_content(stored, check(1, std::nullopt)));
}

}  // namespace
}  // namespace codasync
