#pragma once

#include <sys/eventfd.h>

#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "api/transport/unique_fd.hpp"

namespace codasync::api::transport {

/// Letters from any thread to one worker. No letter is lost and none waits for the next one:
/// whoever makes the box non-empty wakes the worker, and the worker always takes everything.
template <typename Letter>
class Mailbox {
 public:
  /// Throws: std::system_error.
  Mailbox() : fd_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    if (fd_.get() < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
  }

  /// To be watched edge-triggered: each wake is an edge of its own, so nobody needs to read the
  /// counter.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  void post(Letter letter) {
    bool first{false};
    {
      const std::lock_guard lock{mutex_};
      first = letters_.empty();
      letters_.push_back(std::move(letter));
    }
    if (first) wake();
  }

  /// Gives the worker a turn without a letter.
  void wake() noexcept { ::eventfd_write(fd_.get(), 1); }

  /// Exchanges the letters with `into`, which must be empty and lends its memory.
  void take(std::vector<Letter>& into) {
    const std::lock_guard lock{mutex_};
    letters_.swap(into);
  }

 private:
  UniqueFd fd_;
  std::mutex mutex_;
  std::vector<Letter> letters_;
};

}  // namespace codasync::api::transport
