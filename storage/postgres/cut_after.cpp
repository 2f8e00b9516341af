#include "storage/postgres/cut_after.hpp"

#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace codasync::storage::postgres {
namespace {

using Clock = std::chrono::steady_clock;

/// One thread looks at all waits, a few times a second: it is there for servers that say nothing
/// for seconds.
class Watch {
 public:
  static Watch& of_process() {
    static Watch watch;
    return watch;
  }

  std::list<CutAfter::Wait>::iterator add(CutAfter::Wait wait) {
    const std::scoped_lock hold{mutex_};
    waits_.push_front(wait);
    if (std::exchange(asleep_, false)) begun_.notify_one();
    return waits_.begin();
  }

  void remove(std::list<CutAfter::Wait>::iterator wait) {
    const std::scoped_lock hold{mutex_};
    waits_.erase(wait);
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock hold{mutex_};
    while (!stop.stop_requested()) {
      if (waits_.empty()) {
        asleep_ = true;
        begun_.wait(hold, stop, [this] { return !asleep_; });
      }
      begun_.wait_for(hold, stop, kLook, [] { return false; });
      const auto now = Clock::now();
      for (auto& wait : waits_) {
        if (wait.until > now) continue;
        shutdown(wait.socket, SHUT_RDWR);
        wait.until = Clock::time_point::max();  // whoever waits may close it from now on
      }
    }
  }

  static constexpr std::chrono::milliseconds kLook{100};

  std::mutex mutex_;
  std::condition_variable_any begun_;
  std::list<CutAfter::Wait> waits_;                                          // guarded
  bool asleep_ = false;                                                      // guarded
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};  // last
};

}  // namespace

CutAfter::CutAfter(int socket, std::chrono::milliseconds patience)
    : wait_{Watch::of_process().add({socket, Clock::now() + patience})} {}

CutAfter::~CutAfter() { Watch::of_process().remove(wait_); }

}  // namespace codasync::storage::postgres
