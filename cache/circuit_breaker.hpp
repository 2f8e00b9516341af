#pragma once

#include <atomic>
#include <chrono>

namespace codasync::cache {

/// Stops the use of a server for a while after a failure (the circuit is open). Then one caller at
/// a time may try it (half-open), until one of them succeeds (closed). Threads: safe concurrently,
/// without locks.
class CircuitBreaker {
 public:
  using Clock = std::chrono::steady_clock;

  explicit CircuitBreaker(Clock::duration open_time) : open_time_{open_time} {}

  [[nodiscard]] bool closed() const noexcept { return open_until_.load(kRelaxed) == kClosed; }

  /// Returns: whether to try now. After a yes for a circuit that is not closed, all other callers
  /// get a no for `open_time`.
  bool allows_attempt(Clock::time_point now = Clock::now()) noexcept {
    Clock::rep until = open_until_.load(kRelaxed);
    if (until == kClosed) return true;
    if (now.time_since_epoch().count() < until) return false;
    return open_until_.compare_exchange_strong(until, after(now), kRelaxed);
  }

  void record_success() noexcept {
    if (!closed()) open_until_.store(kClosed, kRelaxed);
  }

  void record_failure(Clock::time_point now = Clock::now()) noexcept {
    open_until_.store(after(now), kRelaxed);
  }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;  // a hint; it publishes no other data
  static constexpr Clock::rep kClosed = 0;

  [[nodiscard]] Clock::rep after(Clock::time_point now) const noexcept {
    return (now + open_time_).time_since_epoch().count();
  }

  const Clock::duration open_time_;
  std::atomic<Clock::rep> open_until_{kClosed};
};

}  // namespace codasync::cache
