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

TEST(ShelfDates, the_shorter_wins_and_of_equal_ones_the_stricter_kind) {
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

TEST(Names, of_kinds_are_read_as_they_are_written) {
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

TEST(Operations, say_the_same_whenever_they_were_observed) {
  EXPECT_TRUE(says_the_same(sighting(1, december(24)), sighting(5, december(24))));
  EXPECT_TRUE(says_the_same(adjust(1, -2), adjust(2, -2)));
  const auto target = count(1, 5);
  EXPECT_TRUE(says_the_same(void_of(target, 2), void_of(target, 3)));
}

TEST(Operations, differ_in_each_thing_they_say) {
  const auto first = sighting(1, december(24, DateKind::use_by), 3);
  EXPECT_FALSE(says_the_same(first, check(1, december(24, DateKind::use_by), 3)));
  EXPECT_FALSE(says_the_same(first, sighting(1, december(25, DateKind::use_by), 3)));
  EXPECT_FALSE(says_the_same(first, sighting(1, december(24, DateKind::sell_by), 3)));
  EXPECT_FALSE(says_the_same(first, sighting(1, december(24), 3)));
  EXPECT_FALSE(says_the_same(first, sighting(1, december(24, DateKind::use_by), 4)));
  EXPECT_FALSE(says_the_same(first, sighting(1, december(24, DateKind::use_by))));
  EXPECT_FALSE(says_the_same(first, sighting(1, std::nullopt, 3)));
  EXPECT_FALSE(says_the_same(adjust(1, -2), adjust(1, 2)));
  EXPECT_FALSE(says_the_same(void_of(count(1, 5), 2), void_of(count(1, 5), 2)));
}

// The stored check may have been completed from the reading that it confirmed.
TEST(Operations, agree_when_a_check_leaves_the_kind_of_its_date_out) {
  const auto stored = check(1, december(24, DateKind::best_before));
  EXPECT_TRUE(says_the_same(stored, check(1, december(24))));
  EXPECT_FALSE(says_the_same(stored, check(1, december(23))));
  EXPECT_FALSE(says_the_same(check(1, december(24)), check(1, december(24, DateKind::use_by))));
}

}  // namespace
}  // namespace codasync
