#include "cache/slot_rules.hpp"

#include <gtest/gtest.h>

#include "cache/entry_expiry.hpp"

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;
using storage::Slot;
using storage::SlotState;

constexpr bool kFills = true;
constexpr bool kOff = false;
constexpr bool kWaited = true;
constexpr bool kNotYet = false;
constexpr bool kLong = true;
constexpr bool kShort = false;
constexpr std::nullopt_t kDone = std::nullopt;

Slot slot(SlotState state, bool emptied_now = true) {
  return {.number = 0, .state = state, .since = {}, .emptied_now = emptied_now};
}

TEST(SlotRules, do_not_change_a_slot_that_responds) {
  EXPECT_EQ(step_for(slot(SlotState::up), kFills, {kDone, kLong, kNotYet}), SlotStep::none);
}

TEST(SlotRules, flush_a_slot_before_its_first_use_with_a_database) {
  EXPECT_EQ(step_for(slot(SlotState::up, false), kFills, {kDone, kLong, kNotYet}), SlotStep::flush);
  EXPECT_EQ(step_for(slot(SlotState::up, false), kOff, {kDone, kLong, kNotYet}), SlotStep::none);
}

TEST(SlotRules, flush_a_slot_whose_process_was_started_again) {
  constexpr ServerView kRestarted{kDone, kLong, kNotYet, true};
  for (const auto state : {SlotState::up, SlotState::waiting}) {
    EXPECT_EQ(step_for(slot(state), kFills, kRestarted), SlotStep::flush);
  }
  EXPECT_EQ(step_for(slot(SlotState::up), kOff, kRestarted), SlotStep::none);
  EXPECT_EQ(step_for(slot(SlotState::waiting), kOff, kRestarted), SlotStep::mark_down);
}

TEST(SlotRules, mark_a_slot_down_at_once_only_when_its_process_has_ended) {
  for (const auto state : {SlotState::up, SlotState::waiting}) {
    EXPECT_EQ(step_for(slot(state), kFills, {Unreachable::refused, kLong, kNotYet}),
              SlotStep::mark_down);
  }
  EXPECT_EQ(step_for(slot(SlotState::up), kFills, {Unreachable::no_response, kLong, kNotYet}),
            SlotStep::mark_waiting);
  EXPECT_EQ(step_for(slot(SlotState::waiting), kFills, {Unreachable::no_response, kLong, kNotYet}),
            SlotStep::none);
  EXPECT_EQ(step_for(slot(SlotState::waiting), kFills, {Unreachable::no_response, kLong, kWaited}),
            SlotStep::mark_down);
}

TEST(SlotRules, mark_a_slot_up_without_a_flush_as_long_as_no_writer_committed_without_it) {
  EXPECT_EQ(step_for(slot(SlotState::waiting), kFills, {kDone, kLong, kNotYet}), SlotStep::mark_up);
  EXPECT_EQ(step_for(slot(SlotState::down), kFills, {kDone, kLong, kNotYet}), SlotStep::flush);
  EXPECT_EQ(step_for(slot(SlotState::down), kFills, {Unreachable::no_response, kLong, kWaited}),
            SlotStep::none);
}

TEST(SlotRules, mark_every_slot_down_when_the_cache_has_been_off_for_the_wait) {
  EXPECT_EQ(step_for(slot(SlotState::up), kOff, {kDone, kLong, kNotYet}), SlotStep::none);
  EXPECT_EQ(step_for(slot(SlotState::up), kOff, {kDone, kLong, kWaited}), SlotStep::mark_down);
  EXPECT_EQ(step_for(slot(SlotState::up), kFills, {kDone, kLong, kWaited}), SlotStep::none);
  EXPECT_EQ(step_for(slot(SlotState::down), kOff, {kDone, kLong, kWaited}), SlotStep::none);
}

TEST(EntryExpiry, is_later_than_memcached_removes_the_entry) {
  const Instant begun_at{1'000'000us + 1us};
  const auto expiry = life_of_entry(begun_at, std::nullopt, 60s, 5s)->expiry;
  const Instant removed = begun_at + 5s + 60s;  // stored at the last moment of the lease
  EXPECT_FALSE(is_expired(expiry, removed + kReaderClockDifferenceMax));
}

TEST(EntryExpiry, has_passed_for_every_reader_when_writers_have_waited) {
  for (const auto fraction : {0us, 1us, 500'000us, 999'999us}) {
    const Instant last_fill{1'000'000s + fraction};
    const Instant waited = last_fill + wait_after_last_fill(3605s);
    for (const auto change : {std::optional<Instant>{}, std::optional{last_fill + 2h}}) {
      const auto expiry = life_of_entry(last_fill, change, 3600s, 5s)->expiry;
      EXPECT_TRUE(is_expired(expiry, waited - kReaderClockDifferenceMax))
          << "a reader's clock is late";
    }
  }
}

TEST(EntryExpiry, has_passed_for_every_reader_when_the_content_changes_by_itself) {
  const Instant midnight{2'000'000s};
  for (const auto left : {3s, 4s, 3599s, 3600s, 3601s, 3602s, 3607s, 3609s, 7200s}) {
    for (const auto fraction : {0us, 1us, 500'000us, 999'999us}) {
      const Instant begun_at = midnight - left + fraction;
      const auto life = life_of_entry(begun_at, midnight, 3600s, 5s);
      if (!life) {
        EXPECT_LT(midnight - kReaderClockDifferenceMax - begun_at, 1s);
        continue;
      }
      EXPECT_TRUE(is_expired(life->expiry, midnight - kReaderClockDifferenceMax))
          << "a clock is late";
      EXPECT_FALSE(is_expired(life->expiry, begun_at)) << "it can be used";
      EXPECT_GE(life->ttl, 1s);
      EXPECT_LE(life->ttl, 3600s);
      EXPECT_LE(begun_at + life->ttl, midnight - kReaderClockDifferenceMax)
          << "Memcached removes it";
      EXPECT_LE(life->expiry, life_of_entry(begun_at, std::nullopt, 3600s, 5s)->expiry);
    }
  }
}

TEST(EntryExpiry, is_at_least_a_second_away) {
  const Instant now{1'000'000s};
  for (const auto left : {-3600s, -1s, 0s, 1s, 2s})
    EXPECT_FALSE(life_of_entry(now, now + left, 3600s, 5s)) << left.count();
  EXPECT_FALSE(life_of_entry(now + 1us, now + 3s, 3600s, 5s));
  EXPECT_EQ(life_of_entry(now, now + 3s, 3600s, 5s)->ttl, 1s);
}

TEST(EntryExpiry, of_a_placeholder_has_passed) { EXPECT_TRUE(is_expired(kPlaceholder, now())); }

TEST(SlotRules, stop_writers_only_after_a_long_time_without_a_response) {
  for (const bool fills : {kFills, kOff}) {
    EXPECT_EQ(step_for(slot(SlotState::up), fills, {Unreachable::no_response, kShort, kNotYet}),
              SlotStep::none);
    EXPECT_EQ(step_for(slot(SlotState::up), fills, {Unreachable::no_response, kLong, kNotYet}),
              SlotStep::mark_waiting);
  }
  EXPECT_EQ(step_for(slot(SlotState::up), kFills, {Unreachable::refused, kShort, kNotYet}),
            SlotStep::mark_down);
  EXPECT_EQ(step_for(slot(SlotState::waiting), kFills, {Unreachable::no_response, kShort, kWaited}),
            SlotStep::mark_down);
}

class NoResponseTimerTest : public testing::Test {
 protected:
  /// Records `times` probes without a response, over `time`.
  void record(int times, std::chrono::milliseconds time) {
    timer.record(Unreachable::no_response, now);
    for (int i = 1; i < times; ++i) {
      now += time / (times - 1);
      timer.record(Unreachable::no_response, now);
    }
  }
  NoResponseTimer::Time now = NoResponseTimer::Time{1h};
  NoResponseTimer timer;
};

TEST_F(NoResponseTimerTest, expires_after_three_rounds_and_three_seconds) {
  EXPECT_FALSE(timer.running());
  record(2, 10s);
  EXPECT_TRUE(timer.running());
  EXPECT_FALSE(timer.expired(now)) << "two rounds";
  timer.record(Unreachable::no_response, now);
  EXPECT_TRUE(timer.expired(now));
  timer = {};
  record(100, 2970ms);
  EXPECT_FALSE(timer.expired(now)) << "not quite three seconds";
  EXPECT_TRUE(timer.expired(now + 30ms));
}

TEST_F(NoResponseTimerTest, stops_with_any_response) {
  for (const auto failure : {std::optional<Unreachable>{}, std::optional{Unreachable::refused}}) {
    record(10, 10s);
    timer.record(failure, now);
    EXPECT_FALSE(timer.running());
    EXPECT_FALSE(timer.expired(now + 1h));
    record(2, 10s);
    EXPECT_FALSE(timer.expired(now)) << "it starts from zero";
  }
}

TEST_F(NoResponseTimerTest,
       does_not_expire_for_ten_seconds_after_another_process_marked_the_slot_up) {
  record(10, 10s);
  const auto marked_up = now;
  timer.marked_up(marked_up);
  EXPECT_FALSE(timer.running());
  record(10, 9990ms);
  EXPECT_FALSE(timer.expired(now));
  EXPECT_TRUE(timer.expired(marked_up + 10s));
}

}  // namespace
}  // namespace codasync::cache
