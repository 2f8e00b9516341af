#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "storage/model/time.hpp"
#include "storage/mutex.hpp"

namespace codasync::api {

/// Numbers since some moment, or of a minute. nullopt: the server did not respond, or it lost its
/// counters.
struct ActivityCounts {
  std::optional<std::int64_t> writes{};    // events of the ledger
  std::optional<std::int64_t> look_ups{};  // in Memcached
  std::optional<std::int64_t> hits{};      // of them
};

struct MinuteOfActivity {
  Instant begins;
  ActivityCounts counts;
};

/// What was done in each of the last minutes. Once a minute it reads the counters of PostgreSQL and
/// of the Memcached servers. These count for all processes and for Nginx, so each process has the
/// same numbers, since its own start. Threads: safe concurrently; one of its own.
class Activity {
 public:
  static constexpr std::size_t kMinutesMax = 1440;

  /// `read`: the counters now. It may block, must not throw, and is called by several threads.
  /// `interval`: of the samples; not a minute only in tests.
  explicit Activity(std::function<ActivityCounts()> read,
                    std::chrono::milliseconds interval = std::chrono::minutes{1});

  /// Returns: the last minutes in their order, at most this many. The last of them is not over.
  /// May block.
  [[nodiscard]] std::vector<MinuteOfActivity> last(std::size_t minutes);

 private:
  void run(const std::stop_token& stop);

  const std::function<ActivityCounts()> read_;
  const std::chrono::milliseconds interval_;
  Mutex mutex_;
  StoppableCondition stopped_;
  std::deque<MinuteOfActivity> over_ CODASYNC_GUARDED_BY(mutex_);  // the oldest first
  // Begin of the current minute, and the counters then.
  std::optional<MinuteOfActivity> current_ CODASYNC_GUARDED_BY(mutex_);
  std::jthread thread_;  // last
};

}  // namespace codasync::api
