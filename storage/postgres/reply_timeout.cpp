#include "storage/postgres/reply_timeout.hpp"

#include <sys/socket.h>

#include <thread>
#include <utility>

#include "storage/mutex.hpp"

namespace codasync::storage::postgres {
namespace {

using Clock = std::chrono::steady_clock;

/// One thread checks all waits every 100 ms, for servers that do not respond for seconds.
class Watch {
 public:
  static Watch& instance() {
    static Watch watch;
    return watch;
  }

  std::list<ReplyTimeout::Wait>::iterator add(ReplyTimeout::Wait wait) {
    const MutexLock hold{mutex_};
    waits_.push_front(wait);
    if (std::exchange(asleep_, false)) started_.notify_one();
    return waits_.begin();
  }

  void remove(std::list<ReplyTimeout::Wait>::iterator wait) {
    const MutexLock hold{mutex_};
    waits_.erase(wait);
  }

 private:
  void run(const std::stop_token& stop) {
    MutexLock hold{mutex_};
    while (!stop.stop_requested()) {
      if (waits_.empty()) {
        asleep_ = true;
        started_.wait(hold, stop, [this]() CODASYNC_REQUIRES(mutex_) { return !asleep_; });
      }
      started_.wait_for(hold, stop, kCheckInterval, [] { return false; });
      const auto now = Clock::now();
      for (auto& wait : waits_) {
        if (wait.until > now) continue;
        shutdown(wait.socket, SHUT_RDWR);
        wait.until = Clock::time_point::max();  // the waiting thread may close the socket now
      }
    }
  }

  static constexpr std::chrono::milliseconds kCheckInterval{100};

  Mutex mutex_;
  StoppableCondition started_;
  std::list<ReplyTimeout::Wait> waits_ CODASYNC_GUARDED_BY(mutex_);
  bool asleep_ CODASYNC_GUARDED_BY(mutex_){false};
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};  // last
};

}  // namespace

ReplyTimeout::ReplyTimeout(int socket, std::chrono::milliseconds timeout)
    : wait_{Watch::instance().add({socket, Clock::now() + timeout})} {}

ReplyTimeout::~ReplyTimeout() { Watch::instance().remove(wait_); }

}  // namespace codasync::storage::postgres
