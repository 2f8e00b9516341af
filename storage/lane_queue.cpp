#include "storage/lane_queue.hpp"

#include <utility>

#include "storage/locks.hpp"

namespace codasync::storage {

bool LaneQueue::push(QueuedOperation& operation) {
  const auto key = reading_lock(operation.operation.shop, operation.operation.gtin).number;
  {
    const std::scoped_lock hold{mutex_};
    if (closed_ || size_ >= operations_max_) return false;
    auto& line = waiting_[key];
    if (line.empty()) turns_.push_back(key);
    line.push_back(std::move(operation));
    ++size_;
  }
  changed_.notify_one();
  return true;
}

std::list<QueuedOperation> LaneQueue::take(std::size_t batch_max) {
  std::list<QueuedOperation> batch;
  std::unique_lock hold{mutex_};
  changed_.wait(hold, [this] { return closed_ || size_ > 0; });
  while (batch.size() < batch_max && !turns_.empty()) {
    const auto key = turns_.front();
    turns_.pop_front();
    auto& line = waiting_[key];
    batch.splice(batch.end(), line, line.begin());
    --size_;
    if (line.empty()) {
      waiting_.erase(key);
    } else {
      turns_.push_back(key);
    }
  }
  return batch;
}

void LaneQueue::close() {
  {
    const std::scoped_lock hold{mutex_};
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace codasync::storage
