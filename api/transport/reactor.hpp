#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace codasync::api::transport {

enum class Interest {
  readable,      // told again and again while there is something to read
  writable,      // likewise while there is room
  each_arrival,  // readable, told once for each arrival
  none,          // a hang-up is still told, once
};

/// The descriptors one event loop watches. For the loop's thread, and for others before the loop
/// runs. A descriptor that is closed is forgotten by itself.
class Poller {
 public:
  /// Returns: false when the kernel cannot watch more.
  virtual bool add(int fd, std::uint64_t tag, Interest interest) = 0;
  virtual void change(int fd, std::uint64_t tag, Interest interest) = 0;
  virtual void remove(int fd) = 0;  // also one that is not watched

 protected:
  ~Poller() = default;
};

/// What runs on an event loop, always on the same thread.
class EventHandler {
 public:
  virtual ~EventHandler() = default;
  /// Called once before the loop runs; the poller lives as long as the loop.
  virtual void attach(Poller& poller) = 0;
  virtual void on_event(std::uint64_t tag, bool writable) noexcept = 0;
  /// After the events that came together.
  virtual void on_turn_end() noexcept = 0;
};

/// Pistache's reactor: one thread with an epoll loop for each handler. The threads inherit the
/// signal mask of run().
class Reactor {
 public:
  /// Throws: std::runtime_error when the kernel has no descriptors left.
  explicit Reactor(std::vector<std::shared_ptr<EventHandler>> handlers);

  /// Ends the loops after their present turn and waits for their threads.
  ~Reactor();

  void run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api::transport
