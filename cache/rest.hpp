#pragma once

#include <atomic>
#include <chrono>

namespace codasync::cache {

/// Leaves something alone for a while after it failed. Then one caller at a time may try it, until
/// one of them succeeds. Threads: safe concurrently, without locks.
class Rest {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Rest(Clock::duration length) : length_{length} {}

  [[nodiscard]] bool well() const noexcept { return until_.load(kRelaxed) == kWell; }

  /// Returns: whether to try now. Whoever gets a yes during a rest is alone with it for `length`.
  bool may_try(Clock::time_point now = Clock::now()) noexcept {
    Clock::rep until = until_.load(kRelaxed);
    if (until == kWell) return true;
    if (now.time_since_epoch().count() < until) return false;
    return until_.compare_exchange_strong(until, after(now), kRelaxed);
  }

  void succeeded() noexcept {
    if (!well()) until_.store(kWell, kRelaxed);
  }

  void failed(Clock::time_point now = Clock::now()) noexcept { until_.store(after(now), kRelaxed); }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;  // a hint; nothing is published by it
  static constexpr Clock::rep kWell = 0;

  [[nodiscard]] Clock::rep after(Clock::time_point now) const noexcept {
    return (now + length_).time_since_epoch().count();
  }

  const Clock::duration length_;
  std::atomic<Clock::rep> until_{kWell};
};

}  // namespace codasync::cache
