#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "api/options.hpp"
#include "storage/mutex.hpp"

namespace codasync::api {

/// Bounded queues of jobs and the threads that run them: what may block runs here, never on an
/// event loop. `ExecutorOptions::threads` threads run everything, short look-ups first. One more
/// thread runs look-ups only, so that these never wait behind slow queries. Threads: submit() is
/// safe anywhere.
class Executor {
 public:
  enum class Kind {
    look_up,  // one short query by a primary key
    work,
  };
  enum class Thread {
    look_ups,  // runs look-ups only: the job must not do long work
    all,
  };
  struct Start {
    Thread thread;
    bool too_late;  // it waited longer than `queue_timeout`, and should only be refused
  };
  using Job = std::function<void(Start)>;

  explicit Executor(const ExecutorOptions& options);

  /// Waits for the jobs that run, and destroys those that wait without running them.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Requires: `job` does not throw.
  /// Returns: false when the queue of this kind is full or the executor ends; `job` was not taken.
  [[nodiscard]] bool submit(Kind kind, Job job);

  /// Returns: how many jobs wait.
  [[nodiscard]] std::size_t waiting() const;

  [[nodiscard]] const ExecutorOptions& options() const noexcept { return options_; }

 private:
  struct Waiting {
    Job job;
    std::chrono::steady_clock::time_point since;
  };

  void run(Thread thread);

  const ExecutorOptions options_;
  mutable Mutex mutex_;
  std::deque<Waiting> look_ups_ CODASYNC_GUARDED_BY(mutex_);
  std::deque<Waiting> work_ CODASYNC_GUARDED_BY(mutex_);
  bool look_up_thread_waits_ CODASYNC_GUARDED_BY(mutex_){false};
  bool stopping_ CODASYNC_GUARDED_BY(mutex_){false};
  Condition look_up_thread_;
  Condition other_threads_;
  std::vector<std::jthread> threads_;
};

}  // namespace codasync::api
