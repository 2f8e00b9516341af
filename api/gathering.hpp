#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <iterator>
#include <vector>

#include "storage/mutex.hpp"

namespace codasync::api {

/// Items that are worked on together: those that come while all workers are busy form the next
/// batch. An item that comes while a worker is free does not wait. A worker is a job of the
/// caller: it starts when add() or continues() says so, and takes one batch.
/// Threads: safe concurrently.
template <class Item>
class Gathering {
 public:
  struct Limits {
    std::size_t workers_max;
    std::size_t batch_max;
    std::size_t waiting_max;
    std::chrono::milliseconds timeout;  // an item that waits longer is `too_late`
  };
  struct Taken {
    Item item;
    bool too_late;
  };
  enum class Added {
    waits,        // for a worker that is busy
    need_worker,  // the caller starts one
    full,         // the item was not taken
  };

  explicit Gathering(const Limits& limits) : limits_{limits} {}

  [[nodiscard]] Added add(Item item) {
    const MutexLock lock{mutex_};
    if (waiting_.size() >= limits_.waiting_max) return Added::full;
    waiting_.push_back({std::move(item), Clock::now()});
    if (workers_ == limits_.workers_max) return Added::waits;
    ++workers_;
    return Added::need_worker;
  }

  /// Returns: the batch of a worker, oldest items first; empty when others took them.
  [[nodiscard]] std::vector<Taken> take() {
    const MutexLock lock{mutex_};
    const auto latest = Clock::now() - limits_.timeout;
    std::vector<Taken> batch;
    while (!waiting_.empty() && batch.size() < limits_.batch_max) {
      auto& [item, since] = waiting_.front();
      batch.push_back({std::move(item), since < latest});
      waiting_.pop_front();
    }
    return batch;
  }

  /// Ends a worker. Returns: whether items wait, so that the caller has to continue as a worker.
  [[nodiscard]] bool continues() {
    const MutexLock lock{mutex_};
    if (!waiting_.empty()) return true;
    --workers_;
    return false;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Item item;
    Clock::time_point since;
  };

  const Limits limits_;
  Mutex mutex_;
  std::deque<Waiting> waiting_ CODASYNC_GUARDED_BY(mutex_);
  std::size_t workers_ CODASYNC_GUARDED_BY(mutex_){0};
};

}  // namespace codasync::api
