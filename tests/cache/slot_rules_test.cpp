#include "cache/slot_rules.hpp"

#include <gtest/gtest.h>

#include "cache/entry_end.hpp"

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

Slot slot(SlotState state, bool emptied_now = true) {
  return {.number = 0, .state = state, .since = {}, .emptied_now = emptied_now};
}

TEST(SlotRules, leave_a_slot_that_answers_alone) {
  EXPECT_EQ(step_for(slot(SlotState::up), kFills, {NodeReply::done, kLong, kNotYet}),
            SlotStep::none);
}

TEST(SlotRules, empty_a_slot_before_its_first_use_with_a_database) {
  EXPECT_EQ(step_for(slot(SlotState::up, false), kFills, {NodeReply::done, kLong, kNotYet}),
            SlotStep::empty);
  EXPECT_EQ(step_for(slot(SlotState::up, false), kOff, {NodeReply::done, kLong, kNotYet}),
            SlotStep::none);
}

TEST(SlotRules, give_a_server_up_at_once_only_when_its_process_has_ended) {
  for (const auto state : {SlotState::up, SlotState::waiting}) {
    EXPECT_EQ(step_for(slot(state), kFills, {NodeReply::gone, kLong, kNotYet}), SlotStep::give_up);
  }
  EXPECT_EQ(step_for(slot(SlotState::up), kFills, {NodeReply::silent, kLong, kNotYet}),
            SlotStep::wait);
  EXPECT_EQ(step_for(slot(SlotState::waiting), kFills, {NodeReply::silent, kLong, kNotYet}),
            SlotStep::none);
  EXPECT_EQ(step_for(slot(SlotState::waiting), kFills, {NodeReply::silent, kLong, kWaited}),
            SlotStep::give_up);
}

TEST(SlotRules, take_a_slot_up_as_it_is_as_long_as_no_writer_went_on_without_it) {
  EXPECT_EQ(step_for(slot(SlotState::waiting), kFills, {NodeReply::done, kLong, kNotYet}),
            SlotStep::take_up);
  EXPECT_EQ(step_for(slot(SlotState::down), kFills, {NodeReply::done, kLong, kNotYet}),
            SlotStep::empty);
  EXPECT_EQ(step_for(slot(SlotState::down), kFills, {NodeReply::silent, kLong, kWaited}),
            SlotStep::none);
}

TEST(SlotRules, give_every_slot_up_when_the_cache_is_off_for_long_enough) {
  EXPECT_EQ(step_for(slot(SlotState::up), kOff, {NodeReply::done, kLong, kNotYet}), SlotStep::none);
  EXPECT_EQ(step_for(slot(SlotState::up), kOff, {NodeReply::done, kLong, kWaited}),
            SlotStep::give_up);
  EXPECT_EQ(step_for(slot(SlotState::up), kFills, {NodeReply::done, kLong, kWaited}),
            SlotStep::none);
  EXPECT_EQ(step_for(slot(SlotState::down), kOff, {NodeReply::done, kLong, kWaited}),
            SlotStep::none);
}

TEST(EntryEnd, is_later_than_memcached_forgets_the_entry) {
  const Instant begun_at{1'000'000us + 1us};
  const auto end = entry_end(begun_at, 60s, 5s);
  const Instant forgotten = begun_at + 5s + 60s;  // stored at the last moment of the lease
  EXPECT_TRUE(lives(end, forgotten + kClockDifferenceMax));
}

TEST(EntryEnd, is_over_for_everybody_when_writers_have_waited) {
  for (const auto fraction : {0us, 1us, 500'000us, 999'999us}) {
    const Instant last_fill{1'000'000s + fraction};
    const auto end = entry_end(last_fill, 3600s, 5s);
    const Instant waited = last_fill + wait_after_last_fill(3605s);
    EXPECT_FALSE(lives(end, waited - kClockDifferenceMax)) << "a reader's clock is late";
  }
}

TEST(EntryEnd, of_a_placeholder_is_long_over) { EXPECT_FALSE(lives(1, now())); }

TEST(SlotRules, stop_writers_only_for_a_server_that_has_been_silent_for_long) {
  for (const bool fills : {kFills, kOff}) {
    EXPECT_EQ(step_for(slot(SlotState::up), fills, {NodeReply::silent, kShort, kNotYet}),
              SlotStep::none);
    EXPECT_EQ(step_for(slot(SlotState::up), fills, {NodeReply::silent, kLong, kNotYet}),
              SlotStep::wait);
  }
  EXPECT_EQ(step_for(slot(SlotState::up), kFills, {NodeReply::gone, kShort, kNotYet}),
            SlotStep::give_up);
  EXPECT_EQ(step_for(slot(SlotState::waiting), kFills, {NodeReply::silent, kShort, kWaited}),
            SlotStep::give_up);
}

class SilenceTest : public testing::Test {
 protected:
  /// Asks a server that does not answer, `times`, over `time`.
  void ask(int times, std::chrono::milliseconds time) {
    silence.heard(NodeReply::silent, now);
    for (int i = 1; i < times; ++i) {
      now += time / (times - 1);
      silence.heard(NodeReply::silent, now);
    }
  }
  Silence::Time now = Silence::Time{1h};
  Silence silence;
};

TEST_F(SilenceTest, is_long_after_three_rounds_and_three_seconds) {
  EXPECT_FALSE(silence.begun());
  ask(2, 10s);
  EXPECT_TRUE(silence.begun());
  EXPECT_FALSE(silence.long_enough(now)) << "two rounds";
  silence.heard(NodeReply::silent, now);
  EXPECT_TRUE(silence.long_enough(now));
  silence = {};
  ask(100, 2970ms);
  EXPECT_FALSE(silence.long_enough(now)) << "not quite three seconds";
  EXPECT_TRUE(silence.long_enough(now + 30ms));
}

TEST_F(SilenceTest, ends_with_any_answer) {
  for (const auto reply : {NodeReply::done, NodeReply::gone}) {
    ask(10, 10s);
    silence.heard(reply, now);
    EXPECT_FALSE(silence.begun());
    EXPECT_FALSE(silence.long_enough(now + 1h));
    ask(2, 10s);
    EXPECT_FALSE(silence.long_enough(now)) << "it begins again from nothing";
  }
}

TEST_F(SilenceTest, does_not_count_for_ten_seconds_after_another_process_took_the_slot_up) {
  ask(10, 10s);
  const auto taken_up = now;
  silence.taken_up(taken_up);
  EXPECT_FALSE(silence.begun());
  ask(10, 9990ms);
  EXPECT_FALSE(silence.long_enough(now));
  EXPECT_TRUE(silence.long_enough(taken_up + 10s));
}

}  // namespace
}  // namespace codasync::cache
