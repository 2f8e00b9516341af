// What must hold for every set of events and every order of their arrival. The seed is in the name
// of a failing case.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <random>
#include <vector>

#include "storage/model/reading.hpp"
#include "tests/model/events.hpp"

namespace codasync {
namespace {

constexpr int kRounds = 4'000;

/// Random histories of a reading, made to collide: few moments, few dates, small numbers.
class Histories {
 public:
  explicit Histories(std::uint64_t seed) : engine_{seed} {}

  int pick(int low, int high) {
    return low + static_cast<int>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }

  std::optional<ShelfDate> some_date() {
    static constexpr std::optional<DateKind> kKinds[] = {DateKind::use_by, DateKind::sell_by,
                                                         DateKind::best_before, std::nullopt};
    if (pick(0, 4) == 0) return std::nullopt;
    return test::december(static_cast<unsigned>(pick(1, 6)), kKinds[pick(0, 3)]);
  }

  std::optional<std::int64_t> some_quantity() {
    if (pick(0, 3) != 0) return std::nullopt;
    return pick(0, 9);
  }

  Event some_sighting() { return test::sighting(some_second(), some_date(), some_quantity()); }

  /// Returns: any event that stands for itself.
  Event some_event() {
    switch (pick(0, 9)) {
      case 0:
      case 1:
        return test::check(some_second(), some_date(), some_quantity());
      case 2:
        return test::count(some_second(), pick(0, 9));
      case 3:
      case 4:
      case 5:
        return test::adjust(some_second(), pick(-5, 5));
      case 6:
        return test::removal(some_second());
      default:
        return some_sighting();
    }
  }

  /// Returns: events in an order of arrival; a void arrives after what it voids, as nobody can take
  /// back what he does not know.
  std::vector<Event> some_history() {
    std::vector<Event> events;
    for (int left = pick(1, 14); left > 0; --left) {
      const bool take_back = !events.empty() && pick(0, 9) == 0;
      events.push_back(take_back ? test::void_of(some_of(events), some_second()) : some_event());
    }
    if (pick(0, 1) == 0) give_ids_in_another_order(events);
    return events;
  }

  void shuffle(std::vector<Event>& events) {
    for (std::size_t i = events.size(); i > 1; --i) {
      std::swap(events[i - 1], events[static_cast<std::size_t>(pick(0, static_cast<int>(i) - 1))]);
    }
  }

  const Event& some_of(const std::vector<Event>& events) {
    return events[static_cast<std::size_t>(pick(0, static_cast<int>(events.size()) - 1))];
  }

 private:
  int some_second() { return pick(0, 9); }

  /// Ids of devices' events need not ascend with their arrival.
  static void give_ids_in_another_order(std::vector<Event>& events) {
    for (auto& event : events) {
      for (auto* id : {&event.id, event.voids ? &*event.voids : nullptr}) {
        if (id != nullptr) std::ranges::reverse(id->bytes);
      }
    }
  }

  std::mt19937_64 engine_;
};

std::uint64_t seed_of_this_run() {
  const char* given = std::getenv("CODASYNC_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

class Fold : public testing::Test {
 protected:
  void SetUp() override { std::cout << "seed " << seed_ << '\n'; }

  std::uint64_t seed_{seed_of_this_run()};
  Histories random_{seed_};
};

TEST_F(Fold, is_the_same_whatever_order_the_events_are_in) {
  for (int round = 0; round < kRounds; ++round) {
    auto events = random_.some_history();
    const auto expected = fold(events);
    for (int i = 0; i < 5; ++i) {
      random_.shuffle(events);
      ASSERT_EQ(fold(events), expected) << "seed " << seed_ << ", round " << round;
    }
  }
}

TEST_F(Fold, is_what_a_writer_gets_who_applies_events_as_they_arrive) {
  int folded_again = 0;
  int applied_at_once = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto arrivals = random_.some_history();
    std::vector<Event> ledger;
    Shelf shelf;
    for (const auto& event : arrivals) {
      const auto next = apply(shelf, event);
      const bool in_order = !shelf.folded_at || event.observed_at > *shelf.folded_at;
      ASSERT_TRUE(next || !in_order || event.kind == EventKind::void_event)
          << "a live write must not need the history; seed " << seed_ << ", round " << round;
      ledger.push_back(event);
      ++(next ? applied_at_once : folded_again);
      shelf = next ? *next : fold(ledger);
      ASSERT_EQ(shelf, fold(ledger)) << "seed " << seed_ << ", round " << round << ", event "
                                     << ledger.size() << ": " << name_of(event.kind);
    }
  }
  EXPECT_GT(folded_again, 0);
  EXPECT_GT(applied_at_once, folded_again) << "most late events need no history";
}

TEST_F(Fold, late_events_need_the_history_only_where_others_are_folded_after_them) {
  for (int round = 0; round < kRounds; ++round) {
    const auto shelf = fold(random_.some_history());
    const auto late = random_.some_event();
    const auto outdone_by = [&](const std::optional<Instant>& newer) {
      return newer && late.observed_at < *newer;
    };
    const auto clear_of = [&](const std::optional<Instant>& other) {
      return !other || late.observed_at != *other;
    };
    const bool counts = late.quantity || late.kind == EventKind::remove;
    bool decidable = !counts || outdone_by(shelf.counted_at);
    if (late.kind == EventKind::check || late.kind == EventKind::remove) {
      decidable = decidable && outdone_by(shelf.checked_at);
    } else if (late.kind == EventKind::sighting) {
      decidable = decidable && clear_of(shelf.checked_at);
    } else if (late.kind == EventKind::adjust) {
      decidable = clear_of(shelf.counted_at);
    }
    if (decidable) {
      ASSERT_TRUE(apply(shelf, late))
          << name_of(late.kind) << "; seed " << seed_ << ", round " << round;
    }
  }
}

TEST_F(Fold, sightings_never_move_a_date_later) {
  for (int round = 0; round < kRounds; ++round) {
    auto events = random_.some_history();
    const auto before = fold(events);
    events.push_back(random_.some_sighting());
    const auto after = fold(events);
    if (before.date) {
      ASSERT_TRUE(after.date) << "seed " << seed_ << ", round " << round;
      ASSERT_EQ(shorter(*after.date, *before.date), *after.date)
          << "seed " << seed_ << ", round " << round;
    }
    ASSERT_GE(after.present, before.present) << "seed " << seed_ << ", round " << round;
  }
}

TEST_F(Fold, of_a_voided_event_is_the_fold_of_the_others) {
  for (int round = 0; round < kRounds; ++round) {
    auto events = random_.some_history();
    const auto target = random_.some_of(events);
    if (target.kind == EventKind::void_event) continue;
    std::vector<Event> others;
    std::ranges::copy_if(events, std::back_inserter(others),
                         [&](const Event& event) { return event.id != target.id; });
    events.push_back(test::void_of(target, random_.pick(0, 9)));
    auto with_void = fold(events);
    auto without = fold(others);
    with_void.folded_at = without.folded_at = std::nullopt;
    ASSERT_EQ(with_void, without) << "seed " << seed_ << ", round " << round;
  }
}

TEST_F(Fold, quantity_is_a_number_of_units_whatever_the_balance) {
  for (int round = 0; round < kRounds; ++round) {
    auto events = random_.some_history();
    events.push_back(
        test::adjust(random_.pick(0, 9), random_.pick(0, 1) == 0 ? kQuantityMax : -kQuantityMax));
    const auto shelf = fold(events);
    ASSERT_EQ(shelf.quantity().has_value(), shelf.balance.has_value()) << "seed " << seed_;
    if (shelf.balance) {
      ASSERT_GE(*shelf.quantity(), 0) << "seed " << seed_ << ", round " << round;
      ASSERT_LE(*shelf.quantity(), kQuantityMax) << "seed " << seed_ << ", round " << round;
    }
    ASSERT_TRUE(shelf.present || (!shelf.date && !shelf.balance))
        << "seed " << seed_ << ", round " << round;
  }
}

}  // namespace
}  // namespace codasync
