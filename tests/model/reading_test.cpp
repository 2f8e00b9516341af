#include "storage/model/reading.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/model/events.hpp"

namespace codasync {
namespace {

using test::adjust;
using test::at;
using test::check;
using test::count;
using test::december;
using test::removal;
using test::sighting;
using test::void_of;

Shelf fold_of(const std::vector<Event>& events) { return fold(events); }

/// Returns: what apply() makes of `late` after `history`, which must be what folding all of it
/// makes.
std::optional<Shelf> apply_late(std::vector<Event> history, const Event& late) {
  const auto applied = apply(fold(history), late);
  history.push_back(late);
  if (applied) {
    EXPECT_EQ(*applied, fold(history));
  }
  return applied;
}

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

TEST(Reading, without_events_is_not_there) {
  const auto shelf = fold_of({});
  EXPECT_EQ(shelf, Shelf{});
  EXPECT_FALSE(shelf.present);
  EXPECT_EQ(shelf.quantity(), std::nullopt);
}

TEST(Reading, shows_the_shortest_date_that_was_seen) {
  const auto shelf =
      fold_of({sighting(1, december(9)), sighting(2, december(5)), sighting(3, december(7))});
  EXPECT_TRUE(shelf.present);
  EXPECT_EQ(shelf.date, december(5));
}

TEST(Reading, a_sighting_without_a_date_only_makes_it_present) {
  const auto shelf = fold_of({sighting(1, std::nullopt)});
  EXPECT_TRUE(shelf.present);
  EXPECT_EQ(shelf.date, std::nullopt);
  EXPECT_EQ(fold_of({sighting(1, december(5)), sighting(2, std::nullopt)}).date, december(5));
}

TEST(Reading, a_check_replaces_the_date_and_older_sightings_stop_counting) {
  EXPECT_EQ(fold_of({sighting(1, december(5)), check(2, december(9))}).date, december(9));
  EXPECT_EQ(fold_of({check(2, december(9)), sighting(1, december(5))}).date, december(9));
  EXPECT_EQ(fold_of({check(2, december(9)), sighting(3, december(7))}).date, december(7));
  const auto sold_out = fold_of({sighting(1, december(5)), check(2, std::nullopt)});
  EXPECT_EQ(sold_out.date, std::nullopt);
  EXPECT_TRUE(sold_out.present);
}

TEST(Reading, quantity_is_the_last_count_and_the_adjustments_after_it) {
  EXPECT_EQ(fold_of({count(1, 10), adjust(2, -3), adjust(3, 1)}).quantity(), 8);
  EXPECT_EQ(fold_of({count(1, 10), adjust(2, -3), count(4, 5)}).quantity(), 5);
  EXPECT_EQ(fold_of({sighting(1, december(5), 6), adjust(2, -1)}).quantity(), 5);
  EXPECT_EQ(fold_of({check(1, december(5), 6), adjust(2, -1)}).quantity(), 5);
  EXPECT_EQ(fold_of({count(1, 10), check(2, december(5))}).quantity(), 10)
      << "a check need not count";
}

TEST(Reading, an_adjustment_of_what_was_never_counted_is_ignored) {
  const auto shelf = fold_of({adjust(1, 4)});
  EXPECT_EQ(shelf.quantity(), std::nullopt);
  EXPECT_FALSE(shelf.present) << "an adjustment never changes presence";
  EXPECT_EQ(fold_of({sighting(1, december(5)), adjust(2, 4)}).quantity(), std::nullopt);
}

TEST(Reading, a_late_count_below_what_was_taken_shows_zero_and_keeps_the_debt) {
  const auto shelf = fold_of({count(1, 10), adjust(3, -8), count(2, 5)});
  EXPECT_EQ(shelf.balance, -3);
  EXPECT_EQ(shelf.quantity(), 0);
  const auto full = fold_of({count(1, kQuantityMax), adjust(2, kQuantityMax)});
  EXPECT_EQ(full.balance, 2 * kQuantityMax);
  EXPECT_EQ(full.quantity(), kQuantityMax);
}

TEST(Reading, a_removal_takes_everything_and_a_recording_brings_it_back) {
  const auto gone = fold_of({count(1, 10), sighting(2, december(5)), removal(3), adjust(4, 2)});
  EXPECT_EQ(gone, (Shelf{.folded_at = at(4), .checked_at = at(3), .counted_at = at(3)}));

  for (const auto& recording : {sighting(5, std::nullopt), check(5, std::nullopt), count(5, 1)}) {
    EXPECT_TRUE(fold_of({count(1, 10), removal(3), recording}).present) << name_of(recording.kind);
    EXPECT_FALSE(fold_of({count(1, 10), removal(6), recording}).present) << name_of(recording.kind);
  }
  EXPECT_FALSE(fold_of({count(1, 10), removal(3), adjust(5, 1)}).present);
}

TEST(Reading, events_of_one_moment_are_folded_in_the_order_of_their_ids) {
  const auto earlier_id = check(1, december(9));
  const auto later_id = check(1, december(3));
  EXPECT_EQ(fold_of({later_id, earlier_id}).date, december(3));
}

TEST(Reading, a_voided_event_leaves_nothing_but_its_time) {
  const auto typo = sighting(5, december(1));
  const auto shelf = fold_of({sighting(1, december(9)), typo, void_of(typo, 2)});
  EXPECT_EQ(shelf.date, december(9));
  EXPECT_EQ(shelf.folded_at, at(5));
  EXPECT_FALSE(fold_of({typo, void_of(typo, 6)}).present);
}

TEST(Reading, a_void_cannot_be_voided) {
  const auto typo = sighting(1, december(1));
  const auto taken_back = void_of(typo, 2);
  EXPECT_FALSE(fold_of({typo, taken_back, void_of(taken_back, 3)}).present);
}

TEST(Reading, looks_the_same_when_only_what_nobody_sees_differs) {
  const auto shelf = fold_of({sighting(1, december(5)), count(2, 3)});
  EXPECT_TRUE(looks_same(
      shelf, fold_of({sighting(1, december(5)), count(2, 3), sighting(9, december(8))})));
  EXPECT_FALSE(looks_same(shelf, fold_of({sighting(1, december(4)), count(2, 3)})));
  EXPECT_FALSE(
      looks_same(shelf, fold_of({sighting(1, december(5, DateKind::use_by)), count(2, 3)})));
  EXPECT_FALSE(looks_same(shelf, fold_of({sighting(1, december(5)), count(2, 4)})));
  EXPECT_FALSE(looks_same(fold_of({}), fold_of({sighting(1, std::nullopt)})));
  EXPECT_TRUE(
      looks_same(fold_of({count(1, 1), adjust(2, -1)}), fold_of({count(1, 1), adjust(2, -4)})));
}

TEST(LateEvents, sightings_and_adjustments_never_need_the_history) {
  const std::vector<Event> history{check(10, december(9)), count(20, 7), sighting(30, december(8))};
  const auto sighted = apply_late(history, sighting(15, december(4)));
  ASSERT_TRUE(sighted);
  EXPECT_EQ(sighted->date, december(4));
  const auto outdone = apply_late(history, sighting(5, december(4)));
  ASSERT_TRUE(outdone);
  EXPECT_EQ(outdone->date, december(8));
  const auto adjusted = apply_late(history, adjust(25, -2));
  ASSERT_TRUE(adjusted);
  EXPECT_EQ(adjusted->quantity(), 5);
  const auto counted_since = apply_late(history, adjust(15, -2));
  ASSERT_TRUE(counted_since);
  EXPECT_EQ(counted_since->quantity(), 7);
}

TEST(LateEvents, what_a_newer_event_of_its_kind_has_outdone_never_needs_the_history) {
  const std::vector<Event> history{check(10, december(9), 3), sighting(30, december(8))};
  for (const auto& late :
       {check(5, december(1)), count(5, 9), removal(5), sighting(5, december(1), 9)}) {
    const auto applied = apply_late(history, late);
    ASSERT_TRUE(applied) << name_of(late.kind);
    EXPECT_EQ(*applied, fold(history)) << name_of(late.kind);
  }
}

TEST(LateEvents, older_than_a_removal_count_for_nothing) {
  const std::vector<Event> history{count(1, 3), removal(10)};
  for (const auto& late : {sighting(5, december(1), 2), check(5, december(1)), count(5, 9),
                           removal(5), adjust(5, 2)}) {
    const auto applied = apply_late(history, late);
    ASSERT_TRUE(applied) << name_of(late.kind);
    EXPECT_EQ(*applied, fold(history)) << name_of(late.kind);
  }
}

TEST(LateEvents, that_others_may_be_folded_after_need_the_history) {
  const std::vector<Event> history{check(10, december(9)), count(20, 7), sighting(30, december(8))};
  EXPECT_FALSE(apply_late(history, check(25, december(9))));
  EXPECT_FALSE(apply_late(history, count(25, 1)));
  EXPECT_FALSE(apply_late(history, removal(25)));
  EXPECT_FALSE(apply_late(history, removal(15))) << "it would reset the date, not the count";
  EXPECT_FALSE(apply_late(history, sighting(25, december(1), 4)));
  EXPECT_FALSE(apply_late(history, sighting(10, december(1)))) << "before or after the check?";
  EXPECT_FALSE(apply_late(history, adjust(20, 1))) << "before or after the count?";
  EXPECT_FALSE(apply_late(history, void_of(history[0], 40)));
}

}  // namespace
}  // namespace codasync
