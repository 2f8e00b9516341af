#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <thread>

#include "storage/invalidation.hpp"
#include "storage/options.hpp"

namespace codasync::storage {

/// How long a client may repeat a request with its key and get the same answer.
inline constexpr std::chrono::days kIdempotencyKeysKept{7};

/// Deletes idempotency keys that are older, 5,000 a statement, so that no writer waits for long.
/// When `stop` is requested it returns after the statement that runs. Returns: how many were
/// deleted. Throws: Unavailable; what was deleted before stays deleted.
std::size_t delete_old_keys(const PostgresOptions& options, const std::stop_token& stop = {});

/// How long the change feed keeps what it tells, and so the oldest cursor that it accepts.
inline constexpr std::chrono::days kChangesKept{30};

/// Notes where the change feed stands today, and deletes what lies before the mark of kChangesKept
/// ago, 10,000 rows a statement. The rest as above.
std::size_t delete_old_changes(const PostgresOptions& options, const std::stop_token& stop = {});

/// Sees to it that the ledger has partitions for this month and the next two. Throws: Unavailable.
void keep_ledger_partitions(const PostgresOptions& options);

/// What housekeeping tells the operator.
class HousekeeperObserver {
 public:
  virtual ~HousekeeperObserver() = default;
  /// Some work failed; the next round tries again.
  virtual void on_failure(const std::string& what) = 0;
  /// This machine's clock is off by more than kClockDifferenceWarning, or no longer is.
  virtual void on_clock_offset(std::chrono::microseconds offset) = 0;
  /// The database's clock had been wrong, and so many readings were repaired.
  virtual void on_clock_repair(std::size_t readings) = 0;
};

/// Does all of it at its start and once an hour in the background. Every five seconds it compares
/// the database's clock with those of this process: at its start, and when the database's was set
/// back, it repairs the readings that have events in the future, because otherwise they would count
/// as the newest ones until then. Several processes may do the same: they find nothing left to do.
/// Threads: its own one, which calls the observer; the destructor ends it after the statement that
/// runs.
class Housekeeper {
 public:
  Housekeeper(const PostgresOptions& options, Invalidation& invalidation,
              HousekeeperObserver& observer);

 private:
  std::jthread thread_;
};

}  // namespace codasync::storage
