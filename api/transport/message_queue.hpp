#pragma once

#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/mutex.hpp"
#include "storage/unique_fd.hpp"

namespace codasync::api::transport {

/// A queue of messages from any thread to one worker, with an eventfd that wakes the worker. The
/// thread that makes the queue non-empty wakes the worker, and the worker always drains all of it,
/// so no message is lost and none waits for the next one.
template <typename Message>
class MessageQueue {
 public:
  /// Throws: std::system_error.
  MessageQueue() : fd_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    if (fd_.get() < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
  }

  /// To be watched edge-triggered: each wake is a new edge, so the counter need not be read.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// Adds a message. Threads: any.
  void post(Message message) {
    bool first{false};
    {
      const MutexLock lock{mutex_};
      first = messages_.empty();
      messages_.push_back(std::move(message));
    }
    if (first) wake();
  }

  /// Causes a loop iteration of the worker without a message. Threads: any.
  void wake() noexcept { ::eventfd_write(fd_.get(), 1); }

  /// Swaps the messages with `into`, which must be empty: its memory is reused. Threads: the
  /// worker's.
  void drain(std::vector<Message>& into) {
    const MutexLock lock{mutex_};
    messages_.swap(into);
  }

 private:
  UniqueFd fd_;
  Mutex mutex_;
  std::vector<Message> messages_ CODASYNC_GUARDED_BY(mutex_);
};

}  // namespace codasync::api::transport
