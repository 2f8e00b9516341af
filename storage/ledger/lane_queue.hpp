#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <unordered_map>
#include <vector>

#include "storage/ledger/batch.hpp"
#include "storage/mutex.hpp"

namespace codasync::storage {

/// The operations that wait for a lane, in order of arrival for each reading. Readings are served
/// round robin: a reading with many writers delays the others of its lane by one batch at most,
/// unless more readings wait than fit into a batch. Threads: safe on any thread; with several
/// takers the order holds for each taker.
class LaneQueue {
 public:
  explicit LaneQueue(std::size_t operations_max) : operations_max_{operations_max} {}

  /// Returns: false when the queue is full or closed; then `operation` is unchanged.
  [[nodiscard]] bool push(QueuedOperation& operation);

  /// Waits for operations. Returns: at most `batch_max` operations; an empty list only when the
  /// queue is closed and empty.
  std::list<QueuedOperation> take(std::size_t batch_max);

  /// Puts undecided operations back before those that wait for the same readings, in their order,
  /// also into a closed queue. Requires: they are elements of `taken`.
  void put_back(std::list<QueuedOperation>& taken, const Batch& operations);

  /// After this push() refuses, and take() returns an empty list when the queue is empty.
  void close();

 private:
  /// The reading's lock name: two readings with one name are served as one.
  using Key = std::int64_t;

  const std::size_t operations_max_;
  Mutex mutex_;
  std::unordered_map<Key, std::list<QueuedOperation>> waiting_ CODASYNC_GUARDED_BY(mutex_);
  std::deque<Key> round_robin_ CODASYNC_GUARDED_BY(mutex_);
  std::size_t size_ CODASYNC_GUARDED_BY(mutex_){0};
  bool closed_ CODASYNC_GUARDED_BY(mutex_){false};
  Condition changed_;
};

}  // namespace codasync::storage
