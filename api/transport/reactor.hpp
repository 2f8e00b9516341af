#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace codasync::api::transport {

enum class Interest {
  readable,       // level-triggered
  writable,       // level-triggered
  readable_edge,  // readable, edge-triggered
  none,           // a hang-up is still reported, once
};

/// The descriptors that one event loop watches. Closing a descriptor removes it.
/// Threads: the loop's, and any other one before the loop runs.
class Poller {
 public:
  /// Returns: false when the kernel cannot watch more.
  virtual bool add(int fd, std::uint64_t tag, Interest interest) = 0;
  virtual void change(int fd, std::uint64_t tag, Interest interest) = 0;
  virtual void remove(int fd) = 0;  // also one that is not watched

 protected:
  ~Poller() = default;
};

/// What an event reports besides that the descriptor may be readable.
struct Readiness {
  bool writable;
  bool hung_up;  // both directions are closed
};

/// What runs on an event loop, always on the same thread.
class EventHandler {
 public:
  virtual ~EventHandler() = default;
  /// Called once before the loop runs; the poller lives as long as the loop.
  virtual void attach(Poller& poller) = 0;
  virtual void on_event(std::uint64_t tag, Readiness event) noexcept = 0;
  /// Called after the events of one loop iteration.
  virtual void on_iteration_end() noexcept = 0;
};

/// Pistache's reactor: one thread with an epoll loop for each handler. The threads inherit the
/// signal mask of run().
class Reactor {
 public:
  /// Throws: std::runtime_error when the kernel has no descriptors left.
  explicit Reactor(std::vector<std::shared_ptr<EventHandler>> handlers);

  /// Ends the loops after their current iteration and waits for their threads.
  ~Reactor();

  void run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api::transport
