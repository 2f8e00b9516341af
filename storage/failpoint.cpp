#include "storage/failpoint.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

namespace codasync::failpoint {
namespace {

/// Deletes the file. Returns: whether it existed.
bool take(const std::string& file) { return ::unlink(file.c_str()) == 0; }

/// Returns: the signal that is ordered for this point; 0: no signal.
int ordered(const char* point) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the program never changes its environment
  static const char* const folder = std::getenv("CODASYNC_FAILPOINT_DIR");
  if (folder == nullptr) return 0;
  const std::string file = std::string{folder} + "/" + point;
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

}  // namespace codasync::failpoint
