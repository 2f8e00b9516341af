#pragma once

#include <chrono>
#include <thread>

namespace codasync::test {

/// Polls `condition` until it is true. Returns: false when it is still false after `timeout`.
template <class Condition>
bool eventually(const Condition& condition,
                std::chrono::milliseconds timeout = std::chrono::seconds{10}) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace codasync::test
