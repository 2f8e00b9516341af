#include "api/executor.hpp"

#include <utility>

namespace codasync::api {

Executor::Executor(const ExecutorOptions& options) : options_{options} {
  threads_.reserve(options.threads + 1);
  threads_.emplace_back([this] { run(Thread::look_ups); });
  for (std::size_t i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this] { run(Thread::all); });
  }
}

Executor::~Executor() {
  {
    std::deque<Waiting> dropped[2];  // destroyed without the lock: a job may own much
    const MutexLock hold{mutex_};
    stopping_ = true;
    dropped[0].swap(look_ups_);
    dropped[1].swap(work_);
  }
  look_up_thread_.notify_all();
  other_threads_.notify_all();
  threads_.clear();
}

bool Executor::submit(Kind kind, Job job) {
  bool for_look_up_thread{false};
  {
    const MutexLock hold{mutex_};
    auto& queue = kind == Kind::look_up ? look_ups_ : work_;
    if (stopping_ || queue.size() >= options_.queue_max) return false;
    queue.push_back({std::move(job), std::chrono::steady_clock::now()});
    for_look_up_thread = kind == Kind::look_up && std::exchange(look_up_thread_waits_, false);
  }
  (for_look_up_thread ? look_up_thread_ : other_threads_).notify_one();
  return true;
}

std::size_t Executor::waiting() const {
  const MutexLock hold{mutex_};
  return look_ups_.size() + work_.size();
}

void Executor::run(Thread thread) {
  const bool only_look_ups = thread == Thread::look_ups;
  auto& changed = only_look_ups ? look_up_thread_ : other_threads_;
  for (;;) {
    Waiting next;
    {
      MutexLock hold{mutex_};
      const auto ready = [&]() CODASYNC_REQUIRES(mutex_) {
        const bool any = stopping_ || !look_ups_.empty() || (!only_look_ups && !work_.empty());
        if (only_look_ups) look_up_thread_waits_ = !any;
        return any;
      };
      changed.wait(hold, ready);
      if (stopping_) return;
      auto& queue = look_ups_.empty() ? work_ : look_ups_;
      next = std::move(queue.front());
      queue.pop_front();
    }
    const auto waited = std::chrono::steady_clock::now() - next.since;
    next.job({thread, waited > options_.queue_timeout});
  }
}

}  // namespace codasync::api
