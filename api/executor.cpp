#include "api/executor.hpp"

#include <utility>

namespace codasync::api {

Executor::Executor(const ExecutorOptions& options) : queue_max_{options.queue_max} {
  threads_.reserve(options.threads);
  for (std::size_t i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this] { run(); });
  }
}

Executor::~Executor() {
  std::deque<std::function<void()>> dropped;
  {
    const std::scoped_lock hold{mutex_};
    stopping_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_all();
}

bool Executor::submit(std::function<void()> work) {
  {
    const std::scoped_lock hold{mutex_};
    if (stopping_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

std::size_t Executor::waiting() const {
  const std::scoped_lock hold{mutex_};
  return queue_.size();
}

void Executor::run() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock hold{mutex_};
      changed_.wait(hold, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace codasync::api
