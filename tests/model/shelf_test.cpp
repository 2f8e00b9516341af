// Properties of every set of events, compared with an oracle that shares no code with the fold. A
// failure prints its seed.

#include "storage/model/shelf.hpp"

#include <gtest/gtest.h>

#include <iostream>

#include "tests/model/histories.hpp"
#include "tests/model/oracle.hpp"

namespace codasync {
namespace {

using test::adjust;
using test::at;
using test::check;
using test::count;
using test::december;
using test::removal;
using test::shown;
using test::sighting;
using test::void_of;

constexpr int kRounds = 20'000;

std::vector<Event> counting(const std::vector<Event>& events) {
  std::vector<Event> left;
  for (const auto& event : events) {
    const bool voided =
        std::ranges::any_of(events, [&](const Event& other) { return other.voids == event.id; });
    if (event.kind != EventKind::void_event && !voided) left.push_back(event);
  }
  return left;
}

Shelf fold(const std::vector<Event>& events) { return then(Shelf{}, summary_of(counting(events))); }

class Fold : public testing::Test {
 protected:
  void SetUp() override { std::cout << "seed " << seed_ << '\n'; }

  std::uint64_t seed_{test::seed_of_this_run()};
  test::Histories random_{seed_};
};

TEST_F(Fold, equals_the_oracle) {
  for (int round = 0; round < kRounds; ++round) {
    const auto events = random_.some_history();
    ASSERT_EQ(shown(fold(events)), test::oracle(events)) << "seed " << seed_ << ", round " << round;
  }
}

TEST_F(Fold, of_live_events_needs_the_shelf_only) {
  for (int round = 0; round < kRounds / 4; ++round) {
    auto events = counting(random_.some_history(14, 1000));
    std::ranges::sort(events, {}, &Event::observed_at);
    Shelf shelf;
    std::vector<Event> before;
    for (const auto& event : events) {
      if (!before.empty() && before.back().observed_at == event.observed_at) continue;
      before.push_back(event);
      shelf = then(shelf, event);
      ASSERT_EQ(shown(shelf), test::oracle(before)) << "seed " << seed_ << ", round " << round;
    }
  }
}

TEST_F(Fold, of_a_late_event_needs_the_returned_part_of_the_history_only) {
  int without_reading = 0;
  int late = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto events = counting(random_.some_history());
    if (events.size() < 2) continue;
    const auto event = events.back();
    events.pop_back();
    const auto newest = std::ranges::max(events, {}, &Event::observed_at).observed_at;
    if (event.observed_at > newest) continue;
    const auto shelf = fold(events);
    events.push_back(event);
    ++late;
    Summary since;
    switch (history_needed(shelf, event)) {
      case HistoryNeeded::nothing:
        ++without_reading;
        break;
      case HistoryNeeded::from_event: {
        std::vector<Event> from_here;
        for (const auto& each : events) {
          if (each.observed_at >= event.observed_at) from_here.push_back(each);
        }
        since = summary_of(from_here);
        break;
      }
      case HistoryNeeded::all:
        continue;
    }
    const auto after = fold_late(shelf, event, since);
    ASSERT_EQ(shown(after), test::oracle(events)) << "seed " << seed_ << ", round " << round;
    const auto exact = fold(events);
    ASSERT_LE(after.stock.lowest, exact.stock.lowest) << "a bound; seed " << seed_;
    ASSERT_EQ(after.stock.since, exact.stock.since) << "seed " << seed_;
    ASSERT_EQ(after.dates_since, exact.dates_since) << "seed " << seed_;
  }
  EXPECT_GT(2 * without_reading, late) << "most late events need no history";
}

TEST_F(Fold, is_the_same_for_any_division_into_runs) {
  for (int round = 0; round < kRounds / 4; ++round) {
    const auto events = counting(random_.some_history());
    const auto cut = at(random_.pick(0, 9));
    const auto second_cut = cut + std::chrono::seconds{random_.pick(0, 9)};
    std::vector<Event> runs[3];
    for (const auto& event : events)
      runs[event.observed_at < cut ? 0 : event.observed_at < second_cut ? 1 : 2].push_back(event);
    const auto a = summary_of(runs[0]);
    const auto b = summary_of(runs[1]);
    const auto c = summary_of(runs[2]);
    const auto whole = summary_of(events);
    ASSERT_EQ(then(then(a, b), c), whole) << "seed " << seed_ << ", round " << round;
    ASSERT_EQ(then(a, then(b, c)), whole) << "seed " << seed_ << ", round " << round;
    ASSERT_EQ(then(then(then(Shelf{}, a), b), c), then(Shelf{}, whole)) << "seed " << seed_;
    ASSERT_EQ(then(Summary{}, whole), whole);
    ASSERT_EQ(then(whole, Summary{}), whole);
    if (b.is_complete()) {
      ASSERT_EQ(then(Shelf{}, then(b, c)), then(Shelf{}, whole)) << "seed " << seed_;
    }
  }
}

// The order of events with equal observed_at.

TEST(EventsOfOneMoment, keep_a_pack_of_the_same_second_as_a_removal) {
  for (const auto& events : {std::vector{removal(1), sighting(1, december(24))},
                             std::vector{sighting(1, december(24)), removal(1)}}) {
    const auto shelf = fold(events);
    EXPECT_TRUE(shelf.present);
    EXPECT_EQ(shelf.date, december(24));
  }
}

TEST(EventsOfOneMoment, keep_a_shorter_date_than_that_of_a_check) {
  EXPECT_EQ(fold({check(1, december(31)), sighting(1, december(20))}).date, december(20));
  EXPECT_EQ(fold({sighting(1, december(20)), check(1, december(31))}).date, december(20));
  EXPECT_EQ(fold({check(1, december(31)), check(1, december(20)), check(1, std::nullopt)}).date,
            december(20));
}

TEST(EventsOfOneMoment, use_the_lowest_count) {
  EXPECT_EQ(fold({count(1, 7), count(1, 5)}).quantity(), 5);
  EXPECT_EQ(fold({count(1, 5), count(1, 7)}).quantity(), 5);
}

TEST(EventsOfOneMoment, apply_counts_then_deliveries_then_sales) {
  EXPECT_EQ(fold({adjust(1, -3), count(1, 1), adjust(1, 4)}).quantity(), 2);
  EXPECT_EQ(fold({count(1, 10), adjust(1, -1)}).quantity(), 9) << "both have their effect";
}

// Quantities.

TEST(Quantity, stops_at_zero_and_is_never_negative) {
  const auto sold_out = fold({count(1, 5), adjust(2, -8)});
  EXPECT_EQ(sold_out.quantity(), 0);
  const auto delivered = fold({count(1, 5), adjust(2, -8), adjust(3, 2)});
  EXPECT_EQ(delivered.quantity(), 2);
  EXPECT_LT(delivered.stock.plain, *delivered.stock.quantity) << "miscounted";
  EXPECT_EQ(fold({count(1, 5), adjust(2, -8), count(3, 4)}).stock.plain, 4) << "counted again";
}

TEST(Quantity, is_not_known_before_a_count_and_after_a_removal) {
  EXPECT_FALSE(fold({sighting(1, december(24))}).quantity());
  EXPECT_FALSE(fold({sighting(1, december(24)), adjust(2, 3)}).quantity());
  EXPECT_FALSE(fold({count(1, 5), removal(2), sighting(3, december(24))}).quantity());
}

TEST(Quantity, is_zero_after_a_check_of_an_empty_shelf) {
  EXPECT_EQ(fold({check(1, std::nullopt)}).quantity(), 0);
  EXPECT_EQ(fold({count(1, 12), check(2, std::nullopt)}).quantity(), 0);
  EXPECT_EQ(fold({check(1, std::nullopt, 4)}).quantity(), 4) << "goods without a date";
  EXPECT_EQ(fold({count(1, 12), check(2, december(24))}).quantity(), 12);
}

TEST(Quantity, shows_at_most_the_maximum) {
  const auto shelf = fold({count(1, kQuantityMax), adjust(2, kQuantityMax), adjust(3, -5)});
  EXPECT_EQ(shelf.quantity(), kQuantityMax);
  EXPECT_EQ(*shelf.stock.quantity, 2 * kQuantityMax - 5);
}

// Sightings, checks and counts.

TEST(LookedAt, changes_with_sightings_checks_and_counts_and_not_with_sales) {
  EXPECT_EQ(fold({sighting(1, december(24)), adjust(2, -1), removal(3)}).looked_at, at(1));
  EXPECT_EQ(fold({sighting(1, december(24)), count(2, 3)}).looked_at, at(2));
  EXPECT_EQ(fold({sighting(1, december(24)), check(5, december(24))}).looked_at, at(5));
}

TEST(LooksSame, compares_every_shown_field) {
  const auto before = fold({check(1, december(24), 3)});
  EXPECT_TRUE(looks_same(before, before));
  for (const auto& event :
       {sighting(2, december(20)), count(2, 3), adjust(2, 1), removal(2), check(2, december(24))}) {
    EXPECT_FALSE(looks_same(before, then(before, event))) << name_of(event.kind);
  }
  const auto checked_again = then(before, check(2, december(24), 3));
  EXPECT_TRUE(same_stock(before, checked_again)) << "the outcome is `kept`";
  const auto counted_before = fold({count(1, 3), sighting(2, december(24))});
  const auto counted_later = fold({count(2, 3), sighting(2, december(24))});
  EXPECT_EQ(counted_before.looked_at, counted_later.looked_at);
  EXPECT_FALSE(looks_same(counted_before, counted_later)) << "counted_at differs";
}

TEST(Voids, have_no_effect_except_through_their_targets) {
  const auto counted = count(1, 3);
  const auto before = fold({counted});
  EXPECT_EQ(then(before, void_of(counted, 2)), before);
}

}  // namespace
}  // namespace codasync
