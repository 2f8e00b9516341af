#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "storage/options.hpp"
#include "storage/pool_observer.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage::postgres {

/// A bounded set of connections, opened when they are first needed.
/// Threads: safe concurrently. It outlives its leases.
class Pool {
 public:
  /// A connection for one user at a time. Gives it back when destroyed, or throws it away when it
  /// broke.
  class Lease {
   public:
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_) pool_->take_back(std::move(connection_));
    }

    Connection& operator*() const noexcept { return *connection_; }
    Connection* operator->() const noexcept { return connection_.get(); }

   private:
    friend class Pool;
    Lease(Pool& pool, std::unique_ptr<Connection> connection) noexcept
        : pool_{&pool}, connection_{std::move(connection)} {}

    Pool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  /// `observer` must outlive it.
  Pool(PoolName name, const PostgresOptions& options, std::size_t connections_max,
       PoolObserver& observer)
      : name_{name}, options_{options}, connections_max_{connections_max}, observer_{observer} {}

  /// Waits at most acquire_timeout. Throws: Unavailable "queue" when none becomes free in that
  /// time, or at once when waiters_max wait already; "postgres" when a new connection cannot be
  /// made.
  Lease acquire();

  /// Does not wait. Returns: nothing when all are lent, which the observer does not hear of.
  /// Throws: Unavailable "postgres" when a new connection cannot be made.
  std::optional<Lease> try_acquire();

 private:
  using Clock = std::chrono::steady_clock;

  /// Counts a connection as lent, waiting until one may be. Returns: see take_idle().
  std::unique_ptr<Connection> wait_for_place();
  /// Returns: an idle connection, or nullptr when there is none. Requires: mutex_ is held.
  std::unique_ptr<Connection> take_idle();
  /// Lends `idle`, or a new connection where that is nullptr or was closed by the server.
  Lease lend(std::unique_ptr<Connection> idle, Clock::time_point asked);
  void take_back(std::unique_ptr<Connection> connection) noexcept;

  // Fixed after construction.
  const PoolName name_;
  const PostgresOptions options_;
  const std::size_t connections_max_;
  PoolObserver& observer_;

  std::mutex mutex_;
  std::condition_variable freed_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<Connection>>
      idle_;  // the last one back is the first to go: few stay warm
  std::size_t lent_{0};
  std::size_t waiters_{0};
};

}  // namespace codasync::storage::postgres
