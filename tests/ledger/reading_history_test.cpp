// Folds histories of any length with few reads, and compares the state with the oracle over all
// events after each batch.

#include "storage/ledger/reading_history.hpp"

#include <gtest/gtest.h>

#include <iostream>

#include "tests/ledger/ledger_tables.hpp"
#include "tests/model/histories.hpp"
#include "tests/model/oracle.hpp"

namespace codasync::storage {
namespace {

using test::at;

/// A reading with all its events.
class History : public testing::Test {
 protected:
  void SetUp() override { std::cout << "seed " << seed_ << '\n'; }

  /// One transaction.
  void batch(const std::vector<Event>& events) {
    all_.insert(all_.end(), events.begin(), events.end());
    reads_ = reading_.transact(events, now_);
  }

  void expect_right(const char* when) {
    ASSERT_EQ(test::shown(state_.shelf), test::oracle(all_))
        << when << " after " << all_.size() << " events; seed " << seed_;
    std::int64_t sealed = 0;
    for (const auto& [until, segment] : tables_.segments) sealed += segment.events;
    ASSERT_EQ(sealed + state_.tail, std::ssize(tables_.lines)) << "seed " << seed_;
    const auto last = tables_.segments.empty()
                          ? std::optional<Instant>{}
                          : std::optional{std::prev(tables_.segments.end())->first};
    ASSERT_EQ(state_.sealed_until, last) << "seed " << seed_;
  }

  Event live(test::Histories& random) {
    auto event = random.some_event(1);
    event.observed_at = at(++clock_);
    return event;
  }
  /// Returns: an event that was observed before the newest one.
  Event late(test::Histories& random, int seconds_ago_max) {
    auto event = random.some_event(1);
    event.observed_at = at(std::max(0, clock_ - random.pick(0, seconds_ago_max)));
    return event;
  }

  const std::uint64_t seed_{test::seed_of_this_run()};
  test::Histories random_{seed_};
  test::FoldedReading reading_;
  test::LedgerTables& tables_{reading_.tables};
  FoldState& state_{reading_.state};
  std::vector<Event> all_;
  int clock_{0};
  Instant now_{at(1'000'000)};
  std::size_t reads_{0};
};

TEST_F(History, is_folded_correctly_for_any_events_in_any_order_of_arrival) {
  for (int run = 0; run < 12; ++run) {
    reading_ = {};
    all_.clear();
    clock_ = 0;
    for (int round = 0; round < 200; ++round) {
      std::vector<Event> events;
      for (int left = random_.pick(1, 30); left > 0; --left) {
        switch (random_.pick(0, 9)) {
          case 0:
            events.push_back(late(random_, 40));
            break;
          case 1:
            events.push_back(late(random_, 5'000));
            break;
          case 2:
            if (!all_.empty()) {
              const auto& target = random_.some_of(all_);
              if (target.kind == EventKind::void_event) break;
              events.push_back(test::void_of(target, ++clock_));
              break;
            }
            [[fallthrough]];
          default:
            events.push_back(live(random_));
        }
      }
      batch(events);
      if (round % 10 == 9 || round < 40) expect_right("a batch");
    }
    EXPECT_GT(tables_.segments.size(), 4U);
  }
}

TEST_F(History, of_live_events_is_read_only_for_sealing) {
  for (int i = 0; i < 5 * kTailMax; ++i) batch({live(random_)});
  expect_right("live events");
  EXPECT_LE(tables_.events_read, static_cast<std::size_t>(kTailMax) * 5 * 2);
  EXPECT_EQ(tables_.segments_read, 0U);
  EXPECT_LE(state_.tail, kTailMax);
}

TEST_F(History, of_any_length_needs_few_reads_for_a_late_event) {
  for (int i = 0; i < 200; ++i) {
    std::vector<Event> events;
    for (int k = 0; k < 250; ++k) events.push_back(live(random_));
    batch(events);
  }
  tables_.events_read = tables_.segments_read = 0;
  auto event = test::check(0, test::december(3));
  event.observed_at = at(clock_ / 2);
  batch({event});
  EXPECT_LE(tables_.events_read, static_cast<std::size_t>(kTailMax + kSegmentMax));
  EXPECT_LE(reads_, 4U);
  expect_right("a late check");
}

TEST_F(History, splits_a_large_segment_only_between_different_times) {
  for (int i = 0; i < 3 * kTailMax; ++i) batch({live(random_)});
  for (int i = 0; i < 3 * kSegmentMax; ++i) {
    auto event = random_.some_event(1);
    event.observed_at = at(100 + i % 7);
    batch({event});
  }
  expect_right("many events with few different times");
  std::optional<Instant> before;
  for (const auto& [until, segment] : tables_.segments) {
    const Instant last = until;
    const auto outside = std::ranges::count_if(tables_.lines, [&](const LedgerEvent& line) {
      return line.event.observed_at <= last && (!before || line.event.observed_at > *before);
    });
    EXPECT_EQ(outside, segment.events);
    before = until;
  }
}

TEST_F(History, reports_a_full_moment) {
  batch({live(random_)});
  const auto crowded = at(5);
  clock_ = 10;
  std::vector<Event> events;
  for (int i = 0; i < kMomentMax; ++i) {
    auto event = test::adjust(0, 1);
    event.observed_at = crowded;
    events.push_back(event);
  }
  for (std::size_t i = 0; i < events.size(); i += 200)
    batch({events.begin() + static_cast<std::ptrdiff_t>(i),
           events.begin() + static_cast<std::ptrdiff_t>(std::min(i + 200, events.size()))});
  for (int i = 0; i < 2 * kTailMax; ++i) batch({live(random_)});
  ReadingHistory history{tables_, test::kReading, state_};
  EXPECT_TRUE(history.is_moment_full(crowded));
  EXPECT_FALSE(history.is_moment_full(at(4)));
  EXPECT_FALSE(history.is_moment_full(at(clock_)));
}

TEST_F(History, is_unsealed_from_a_time_on) {
  for (int i = 0; i < 4 * kTailMax; ++i) batch({live(random_)});
  const auto from = at(clock_ / 2);
  ReadingHistory history{tables_, test::kReading, state_};
  const auto future = history.reopen(from);
  EXPECT_EQ(std::ssize(future), 4 * kTailMax - (clock_ / 2) + 1);
  history.void_events(future);
  for (const auto& event : future) reading_.voided.insert(event.id);
  tables_.write(history);
  tables_.mark_voided(reading_.voided);
  for (const auto& event : future) all_.push_back(test::void_of(event, 0));
  expect_right("voiding the later events");
  EXPECT_LT(*state_.newest_at, from);
}

TEST_F(History, is_not_sealed_after_now) {
  now_ = at(10);
  for (int i = 0; i < 3 * kTailMax; ++i) batch({live(random_)});
  EXPECT_FALSE(state_.sealed_until);
  now_ = at(1'000'000);
  batch({live(random_)});
  EXPECT_TRUE(state_.sealed_until);
  expect_right("sealing with a later clock");
}

}  // namespace
}  // namespace codasync::storage
