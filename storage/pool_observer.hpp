#pragma once

#include <chrono>

namespace codasync::storage {

/// A set of connections to PostgreSQL that its users share. Lanes have their own and share none.
enum class PoolName { reads, fills, catalogue, tokens };

/// Through this the pools tell what they lend; the program decides what to count. The default is
/// not to care. Threads: called from all at once; must not block or throw.
class PoolObserver {
 public:
  virtual ~PoolObserver() = default;

  using Seconds = std::chrono::duration<double>;

  /// A connection was lent, `wait` after somebody had asked; the time to make a new one is in it.
  virtual void on_lent(PoolName, Seconds /*wait*/) {}
  virtual void on_returned(PoolName) {}

  /// Somebody got none: none became free in time, too many waited already, or the server gave none.
  virtual void on_refused(PoolName) {}
};

/// Returns: one that does not care.
PoolObserver& nobody();

}  // namespace codasync::storage
