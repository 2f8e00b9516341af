#include "api/transport/upload.hpp"

#include <utility>

namespace codasync::api {

Outcome<std::string, transport::Refusal> Upload::next() {
  more_();
  MutexLock hold{mutex_};
  changed_.wait(hold, [this]() CODASYNC_REQUIRES(mutex_) {
    return !piece_.empty() || ended_ || refusal_.has_value();
  });
  if (!piece_.empty()) return std::exchange(piece_, {});
  if (refusal_) return *refusal_;
  return std::string{};
}

void Upload::add(std::string piece) {
  const MutexLock hold{mutex_};
  piece_ += piece;
  changed_.notify_one();
}

void Upload::end() {
  const MutexLock hold{mutex_};
  ended_ = true;
  changed_.notify_one();
}

void Upload::fail(const transport::Refusal& refusal) {
  const MutexLock hold{mutex_};
  if (ended_ || refusal_) return;
  refusal_ = refusal;
  changed_.notify_one();
}

const UploadRule& no_uploads() {
  static const UploadRule kNone = [](const Request&) { return std::nullopt; };
  return kNone;
}

}  // namespace codasync::api
