#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "api/options.hpp"

namespace codasync::api {

/// A bounded queue of work and the threads that do it: what may block runs here, never on an event
/// loop. Threads: submit() is safe anywhere. The destructor finishes what has begun and drops what
/// waits.
class Executor {
 public:
  explicit Executor(const ExecutorOptions& options);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Requires: `work` does not throw.
  /// Returns: false when the queue is full; `work` was not taken then.
  [[nodiscard]] bool submit(std::function<void()> work);

  [[nodiscard]] std::size_t waiting() const;

 private:
  void run();

  const std::size_t queue_max_;
  mutable std::mutex mutex_;  // guards the next two
  std::deque<std::function<void()>> queue_;
  bool stopping_{false};
  std::condition_variable changed_;
  std::vector<std::jthread> threads_;
};

}  // namespace codasync::api
