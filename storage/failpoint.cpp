#include "storage/failpoint.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <thread>

namespace codasync::failpoint {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Returns: whether the file was there; it is gone now.
bool take(const std::string& file) { return ::unlink(file.c_str()) == 0; }

/// Returns: the signal that somebody ordered for this point, 0 for none.
int ordered(const char* point) {
  static const std::string folder = from_environment("CODASYNC_FAILPOINT_DIR");
  if (folder.empty()) return 0;
  const std::string file = folder + "/" + point;
  if (take(file + ".kill")) return SIGKILL;
  if (take(file + ".stop")) return SIGSTOP;
  return 0;
}

}  // namespace

void reach(const char* point) {
  if (const int signal = ordered(point)) ::kill(::getpid(), signal);
}

void reach_soon(const char* point) {
  const int signal = ordered(point);
  if (signal == 0) return;
  std::thread{[signal] {
    std::uniform_int_distribution<int> spread{0, 1000};
    std::random_device random;
    std::this_thread::sleep_for(std::chrono::microseconds{spread(random)});
    ::kill(::getpid(), signal);
  }}.detach();
}

bool broken(const char* rule) {
  static const std::string chosen = from_environment("CODASYNC_BREAK");
  return chosen == std::string_view{rule};
}

}  // namespace codasync::failpoint
