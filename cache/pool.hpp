#pragma once

#include <cassert>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "storage/mutex.hpp"

namespace codasync::cache {

/// Lends connections, each to one borrower at a time, the one that came back last first.
/// Connection: has `usable()`, which says whether it may be lent again.
/// Threads: safe concurrently. A handle belongs to one thread and must not outlive the pool.
template <class Connection>
class Pool {
 public:
  using Make = std::function<std::unique_ptr<Connection>()>;

  /// `max` connections exist at most; `make` opens one and may throw.
  Pool(std::size_t max, Make make) : max_{max}, make_{std::move(make)} { idle_.reserve(max); }

  /// A connection on loan. Its destructor gives it back, or throws it away when it is not usable.
  class Handle {
   public:
    Handle(Handle&& other) noexcept
        : pool_{std::exchange(other.pool_, nullptr)}, connection_{std::move(other.connection_)} {}
    Handle& operator=(Handle&&) = delete;
    ~Handle() {
      if (pool_ != nullptr) pool_->give_back(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    friend class Pool;
    Handle(Pool& pool, std::unique_ptr<Connection> connection)
        : pool_{&pool}, connection_{std::move(connection)} {}

    Pool* pool_;  // nothing: moved from
    std::unique_ptr<Connection> connection_;
  };

  /// Returns: a connection, or nothing when all stay lent for `timeout`.
  /// Throws: what `make` throws.
  std::optional<Handle> acquire(std::chrono::milliseconds timeout) {
    std::unique_ptr<Connection> idle;
    {
      MutexLock hold{mutex_};
      const auto available = [this]() CODASYNC_REQUIRES(mutex_) {
        return !idle_.empty() || lent_ < max_;
      };
      if (!available() && !returned_.wait_for(hold, timeout, available)) return std::nullopt;
      ++lent_;
      if (!idle_.empty()) {
        idle = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    Handle handle{*this, std::move(idle)};
    if (!handle.connection_) handle.connection_ = make_();
    return handle;
  }

  /// Closes the idle connections: the reason that broke one has probably broken all.
  void drop_idle() {
    std::vector<std::unique_ptr<Connection>> dropped;
    const MutexLock hold{mutex_};
    dropped.swap(idle_);
    idle_.reserve(max_);
  }

 private:
  void give_back(std::unique_ptr<Connection> connection) {
    {
      const MutexLock hold{mutex_};
      assert(lent_ > 0);
      --lent_;
      if (connection && connection->usable()) idle_.push_back(std::move(connection));
    }
    returned_.notify_one();
  }

  // Fixed after construction.
  const std::size_t max_;
  const Make make_;

  Mutex mutex_;
  Condition returned_;
  std::vector<std::unique_ptr<Connection>> idle_ CODASYNC_GUARDED_BY(mutex_);
  std::size_t lent_ CODASYNC_GUARDED_BY(mutex_){0};
};

}  // namespace codasync::cache
