#include "storage/postgres/reply_timeout.hpp"

#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

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
    const std::scoped_lock hold{mutex_};
    waits_.push_front(wait);
    if (std::exchange(asleep_, false)) started_.notify_one();
    return waits_.begin();
  }

  void remove(std::list<ReplyTimeout::Wait>::iterator wait) {
    const std::scoped_lock hold{mutex_};
    waits_.erase(wait);
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock hold{mutex_};
    while (!stop.stop_requested()) {
      if (waits_.empty()) {
        asleep_ = true;
        started_.wait(hold, stop, [this] { return !asleep_; });
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

  std::mutex mutex_;
  std::condition_variable_any started_;
  std::list<ReplyTimeout::Wait> waits_;                                      // guarded
  bool asleep_ = false;                                                      // guarded
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};  // last
};

}  // namespace

ReplyTimeout::ReplyTimeout(int socket, std::chrono::milliseconds timeout)
    : wait_{Watch::instance().add({socket, Clock::now() + timeout})} {}

ReplyTimeout::~ReplyTimeout() { Watch::instance().remove(wait_); }

}  // namespace codasync::storage::postgres
