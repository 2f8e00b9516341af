#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "storage/ledger/batch.hpp"

namespace codasync::storage {

/// Operations that wait for a lane, in order of arrival for each reading. Readings take turns, so
/// one that everybody writes keeps the others of its lane waiting for one batch at most, unless
/// more readings than a batch holds are waiting. Threads: safe anywhere; where several take, the
/// order holds for what each of them gets.
class LaneQueue {
 public:
  explicit LaneQueue(std::size_t operations_max) : operations_max_{operations_max} {}

  /// Returns: false when the queue is full; `operation` stays as it was.
  [[nodiscard]] bool push(QueuedOperation& operation);

  /// Waits for work. Returns: at most `batch_max` operations; none only when the queue is closed
  /// and empty.
  std::list<QueuedOperation> take(std::size_t batch_max);

  /// Puts operations that were taken but not decided back before those that wait for the same
  /// readings, in their order, also into a closed queue. Requires: they are elements of `taken`.
  void put_back(std::list<QueuedOperation>& taken, const Batch& operations);

  /// From here on push() refuses, and take() ends when nothing is left.
  void close();

 private:
  using Key =
      std::int64_t;  // the reading's lock name: two readings that share one only share a turn

  const std::size_t operations_max_;
  std::mutex mutex_;  // guards what follows
  std::unordered_map<Key, std::list<QueuedOperation>> waiting_;
  std::deque<Key> turns_;
  std::size_t size_{0};
  bool closed_{false};
  std::condition_variable changed_;
};

}  // namespace codasync::storage
