#include "api/cli/progress.hpp"

#include <unistd.h>

#include <iostream>

namespace codasync::api::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRedraw{100};

}  // namespace

Progress::Progress() : on_terminal_{::isatty(STDERR_FILENO) == 1}, shown_{Clock::now()} {}

void Progress::show(const std::function<std::string()>& text) {
  const auto moment = Clock::now();
  if (!on_terminal_ || moment - shown_ < kRedraw) return;
  shown_ = moment;
  clear();
  std::cerr << text() << std::flush;
}

void Progress::clear() const {
  if (on_terminal_) std::cerr << "\r\x1b[K";
}

}  // namespace codasync::api::cli
