#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <thread>

#include "storage/change_feed.hpp"
#include "storage/invalidation.hpp"
#include "storage/options.hpp"

namespace codasync::storage {

/// How long a client may repeat a request with its key and get the same response.
inline constexpr std::chrono::days kIdempotencyKeysKept{7};

/// Deletes older idempotency keys, 5,000 per statement, so that no writer waits for long. When
/// `stop` is requested, it returns after the running statement. Returns: the number of deleted
/// keys. Throws: Unavailable; keys that were deleted before stay deleted.
std::size_t delete_old_keys(const PostgresOptions& options, const std::stop_token& stop = {});

/// How long the change feed keeps its rows; an older cursor is refused.
inline constexpr std::chrono::days kChangesKept{30};

/// Stores the current position of the change feed as the mark of today, and deletes the rows before
/// the mark of kChangesKept ago, 10,000 per statement. Otherwise like delete_old_keys().
std::size_t delete_old_changes(const PostgresOptions& options, const std::stop_token& stop = {});

/// How long a device is stored after its last operations.
inline constexpr std::chrono::days kDevicesKept{400};

/// Deletes the devices that were not seen for longer. Throws: Unavailable.
void delete_old_devices(const PostgresOptions& options);

/// Deletes the sessions that have ended. Throws: Unavailable.
void delete_ended_sessions(const PostgresOptions& options, const SessionOptions& limits);

/// Creates the ledger's missing partitions for this month and the next two. Throws: Unavailable.
void keep_ledger_partitions(const PostgresOptions& options);

/// Receives the events of housekeeping that an operator needs.
class HousekeeperObserver {
 public:
  virtual ~HousekeeperObserver() = default;
  /// A task failed; the next round tries it again.
  virtual void on_failure(const std::string& what) = 0;
  /// The clock difference has become larger than kClockDifferenceWarning, or small again.
  virtual void on_clock_offset(std::chrono::microseconds offset) = 0;
  /// The database's clock was wrong before; this number of readings was repaired.
  virtual void on_clock_repair(std::size_t readings) = 0;
  /// The horizon of the change feed, once a second.
  virtual void on_feed_horizon(FeedHorizon horizon) = 0;
};

/// Runs all tasks above at its start and once an hour, in the background. Every second it reads the
/// horizon of the change feed. Every five seconds it compares the database's clock with the clocks
/// of this process. At its start, and when the database's clock was set back, it repairs the
/// readings that have events in the future: otherwise these events would count as the newest ones
/// until that time. Several processes may do this concurrently; the later ones find nothing to do.
/// Threads: one of its own, which calls the observer; the destructor ends it after the running
/// statement.
class Housekeeper {
 public:
  Housekeeper(const PostgresOptions& options, const SessionOptions& sessions,
              Invalidation& invalidation, HousekeeperObserver& observer);

 private:
  std::jthread thread_;
};

}  // namespace codasync::storage
