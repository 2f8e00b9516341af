#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "storage/mutex.hpp"
#include "storage/options.hpp"
#include "storage/pool_observer.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage::postgres {

/// A bounded set of connections, opened on first use.
/// Threads: safe concurrently. It outlives its leases.
class Pool {
 public:
  /// A connection for one user at a time. The destructor returns it to the pool, or closes it if it
  /// is broken.
  class Lease {
   public:
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_) pool_->release(std::move(connection_));
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

  /// Waits at most acquire_timeout. Throws: Unavailable "queue" when no connection becomes free in
  /// that time, or at once when waiters_max requests wait already; "postgres" when a new connection
  /// cannot be opened.
  Lease acquire();

  /// Does not wait. Returns: nullopt when all connections are lent; the observer is not called
  /// then. Throws: Unavailable "postgres" when a new connection cannot be opened.
  std::optional<Lease> try_acquire();

 private:
  using Clock = std::chrono::steady_clock;

  /// Waits for a free place and counts it as lent. Returns: see take_idle().
  std::unique_ptr<Connection> wait_for_place();
  /// Returns: an idle connection, or nullptr.
  std::unique_ptr<Connection> take_idle() CODASYNC_REQUIRES(mutex_);
  /// Lends `idle`, or a new connection where that is nullptr or was closed by the server.
  Lease lend(std::unique_ptr<Connection> idle, Clock::time_point requested);
  void release(std::unique_ptr<Connection> connection) noexcept;

  // Fixed after construction.
  const PoolName name_;
  const PostgresOptions options_;
  const std::size_t connections_max_;
  PoolObserver& observer_;

  Mutex mutex_;
  Condition freed_;
  std::vector<std::unique_ptr<Connection>> idle_ CODASYNC_GUARDED_BY(mutex_);  // last in, first out
  std::size_t lent_ CODASYNC_GUARDED_BY(mutex_){0};
  std::size_t waiters_ CODASYNC_GUARDED_BY(mutex_){0};
};

}  // namespace codasync::storage::postgres
