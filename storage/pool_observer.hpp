#pragma once

#include <chrono>

namespace codasync::storage {

/// A set of connections to PostgreSQL that its users share. Lanes have their own and share none.
enum class PoolName { reads, fills, catalogue, tokens, sessions, exports };

/// Receives the events of the pools; the program decides what to count. The default implementation
/// does nothing. Threads: called from all pools concurrently; must not block or throw.
class PoolObserver {
 public:
  virtual ~PoolObserver() = default;

  using Seconds = std::chrono::duration<double>;

  /// A connection was lent. `wait`: since the request, including the time to open a new connection.
  virtual void on_lent(PoolName, Seconds /*wait*/) {}
  virtual void on_returned(PoolName) {}

  /// A request failed: no connection became free in time, too many requests waited already, or the
  /// server accepted no new connection.
  virtual void on_refused(PoolName) {}
};

/// Returns: an observer that does nothing.
PoolObserver& no_observer();

}  // namespace codasync::storage
