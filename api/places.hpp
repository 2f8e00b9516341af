#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace codasync::api {

/// A fixed number of places, for what clients keep open for a long time. It outlives the places
/// that are taken. Threads: safe concurrently.
class Places {
  struct Leave {
    void operator()(Places* places) const noexcept { --places->taken_; }
  };

 public:
  /// Frees its place when it is destroyed.
  using Place = std::unique_ptr<Places, Leave>;

  explicit Places(std::size_t max) : max_{max} {}
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  /// Returns: null pointer when all are taken.
  [[nodiscard]] Place take() {
    if (taken_++ < max_) return Place{this};
    --taken_;
    return nullptr;
  }

  [[nodiscard]] std::size_t taken() const noexcept { return taken_; }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> taken_{0};
};

}  // namespace codasync::api
