#include "storage/ledger/lane_queue.hpp"

#include <algorithm>
#include <utility>

#include "storage/locks.hpp"

namespace codasync::storage {

namespace {

std::int64_t key_of(const QueuedOperation& queued) {
  return reading_lock(queued.operation.shop, queued.operation.gtin).number;
}

}  // namespace

bool LaneQueue::push(QueuedOperation& operation) {
  const auto key = key_of(operation);
  {
    const MutexLock hold{mutex_};
    if (closed_ || size_ >= operations_max_) return false;
    auto& line = waiting_[key];
    if (line.empty()) round_robin_.push_back(key);
    line.push_back(std::move(operation));
    ++size_;
  }
  changed_.notify_one();
  return true;
}

std::list<QueuedOperation> LaneQueue::take(std::size_t batch_max) {
  std::list<QueuedOperation> batch;
  MutexLock hold{mutex_};
  changed_.wait(hold, [this]() CODASYNC_REQUIRES(mutex_) { return closed_ || size_ > 0; });
  while (batch.size() < batch_max && !round_robin_.empty()) {
    const auto key = round_robin_.front();
    round_robin_.pop_front();
    auto& line = waiting_[key];
    batch.splice(batch.end(), line, line.begin());
    --size_;
    if (line.empty()) {
      waiting_.erase(key);
    } else {
      round_robin_.push_back(key);
    }
  }
  return batch;
}

void LaneQueue::put_back(std::list<QueuedOperation>& taken, const Batch& operations) {
  const MutexLock hold{mutex_};
  // Backwards, so that the first operation is in front afterwards.
  for (auto operation = operations.rbegin(); operation != operations.rend(); ++operation) {
    const auto place =
        std::ranges::find(taken, *operation, [](const QueuedOperation& each) { return &each; });
    const auto key = key_of(**operation);
    auto& line = waiting_[key];
    if (line.empty()) round_robin_.push_back(key);
    line.splice(line.begin(), taken, place);
    ++size_;
  }
}

void LaneQueue::close() {
  {
    const MutexLock hold{mutex_};
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace codasync::storage
