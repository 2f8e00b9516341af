#include "api/observability/activity.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/eventually.hpp"

namespace codasync::api {
namespace {

using namespace std::chrono_literals;
using test::eventually;

/// Counters that a test sets; negative: the server does not respond.
struct Servers {
  std::atomic<std::int64_t> writes{1000};
  std::atomic<std::int64_t> look_ups{500};
  std::atomic<std::int64_t> hits{400};
  std::atomic<int> samples{0};

  ActivityCounts read() {
    ++samples;
    const auto number = [](std::int64_t value) {
      return value < 0 ? std::nullopt : std::optional{value};
    };
    return {number(writes), number(look_ups), number(hits)};
  }
  /// Waits until the thread has taken its first sample.
  [[nodiscard]] bool begun(Activity& activity) const {
    return eventually([&] { return !activity.last(1).empty(); });
  }
};

TEST(Activity, of_the_current_minute_is_what_was_added_since_its_begin) {
  Servers servers;
  Activity activity{[&] { return servers.read(); }, 1h};
  ASSERT_TRUE(servers.begun(activity));
  servers.writes += 7;
  servers.look_ups += 10;
  servers.hits += 9;
  const auto minutes = activity.last(180);
  ASSERT_EQ(minutes.size(), 1U);
  EXPECT_EQ(minutes[0].counts.writes, 7);
  EXPECT_EQ(minutes[0].counts.look_ups, 10);
  EXPECT_EQ(minutes[0].counts.hits, 9);
  EXPECT_LE(minutes[0].begins, now());
  EXPECT_GT(minutes[0].begins, now() - 62s);
  EXPECT_EQ(minutes[0].begins.time_since_epoch() % 1min, 0us);
}

TEST(Activity, of_a_server_that_does_not_respond_or_has_lost_its_counters_is_not_known) {
  Servers servers;
  Activity activity{[&] { return servers.read(); }, 1h};
  ASSERT_TRUE(servers.begun(activity));
  servers.writes = -1;
  servers.hits = 3;
  servers.look_ups += 10;
  const auto counts = activity.last(1).at(0).counts;
  EXPECT_EQ(counts.writes, std::nullopt);
  EXPECT_EQ(counts.look_ups, std::nullopt) << "of hits that are not known, there is no rate";
  EXPECT_EQ(counts.hits, std::nullopt);
}

TEST(Activity, keeps_the_minutes_that_are_over_and_loses_no_write_between_them) {
  Servers servers;
  Activity activity{[&] { return servers.read(); }, 5ms};
  ASSERT_TRUE(servers.begun(activity));
  const auto before = activity.last(Activity::kMinutesMax);
  const auto sum = [](const std::vector<MinuteOfActivity>& minutes) {
    std::int64_t writes = 0;
    for (const auto& minute : minutes) writes += minute.counts.writes.value_or(0);
    return writes;
  };
  servers.writes += 20;
  ASSERT_TRUE(
      eventually([&] { return activity.last(Activity::kMinutesMax).size() > before.size() + 3; }));
  const auto after = activity.last(Activity::kMinutesMax);
  EXPECT_EQ(sum(after), 20);
  EXPECT_EQ(activity.last(2).size(), 2U);
  EXPECT_EQ(activity.last(0).size(), 0U);
}

}  // namespace
}  // namespace codasync::api
