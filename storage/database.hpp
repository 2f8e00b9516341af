#pragma once

#include <functional>
#include <memory>
#include <span>

#include "storage/locks.hpp"
#include "storage/model/time.hpp"
#include "storage/model/uuid.hpp"
#include "storage/options.hpp"
#include "storage/reader.hpp"

namespace codasync::storage {

/// A read with a result that may be stored in the cache. It holds the fill locks until it is
/// destroyed, so no writer of the same data can commit meanwhile. A query, or a pause between two,
/// that takes longer than half of `lock_timeout` ends it: the query throws Unavailable.
class Fill {
 public:
  virtual ~Fill() = default;

  /// Returns: queries that see everything that committed before the locks were granted.
  virtual Reader& reader() = 0;

  /// Returns: whether try_fill_each() left out this lock, because it was not free.
  [[nodiscard]] virtual bool left_out(LockName lock) const = 0;

  /// Returns: whether entries may be stored in this Memcached slot. The result is valid until the
  /// fill is destroyed.
  [[nodiscard]] virtual bool may_store(std::size_t slot) const = 0;

  /// Returns: a time before the first query of reader(), by the database's clock.
  [[nodiscard]] virtual Instant started_at() const = 0;
};

/// The reading side of the database: a bounded pool of connections.
/// Threads: safe concurrently; a call blocks for at most `acquire_timeout` plus the time of its
/// queries.
class Database {
 public:
  virtual ~Database() = default;

  /// Returns: a reader that gives its connection back when destroyed. Throws: Unavailable.
  virtual std::unique_ptr<Reader> read() = 0;

  /// Tries to take `locks` and slots_lock(). It waits neither for a lock nor for a connection.
  /// Returns: nullptr when a writer or another fill holds one of the locks, or all connections for
  /// fills are in use. Throws: Unavailable.
  virtual std::unique_ptr<Fill> try_fill(std::span<const Lock> locks) = 0;

  /// The same for several entries: leaves out those of `locks` that are not free. What needs one of
  /// them may be read, but not stored.
  virtual std::unique_ptr<Fill> try_fill_each(std::span<const Lock> locks) = 0;

  /// Returns: what to add to the times of a device, by the database's clock. The first measurement
  /// is stored, and replaced only by one that differs from it by more than 5 s: otherwise the delay
  /// of each request would change the order of what one person did (storage/README.md, "The
  /// model"). `device_time`: the clock of the device now. Throws: Unavailable.
  virtual std::chrono::microseconds device_offset(const Uuid& device, Instant device_time) = 0;

  /// Returns: how far this process's clock is behind the database's; negative: ahead. Throws:
  /// Unavailable when PostgreSQL does not respond, its schema is older than this program requires,
  /// or the clocks differ by more than kClockDifferenceMax.
  virtual std::chrono::microseconds ping() = 0;
};

}  // namespace codasync::storage
