#include "api/options.hpp"

namespace codasync::api {

using namespace std::chrono_literals;

std::vector<std::string> problems(const ExecutorOptions& options) {
  std::vector<std::string> found;
  if (options.threads < 1 || options.threads > 256) {
    found.push_back("executor.threads is " + std::to_string(options.threads) +
                    ": it must be 1 to 256.");
  }
  if (options.queue_max < 1 || options.queue_max > 1'000'000) {
    found.push_back("executor.queue_max is " + std::to_string(options.queue_max) +
                    ": it must be 1 to 1000000.");
  }
  if (options.queue_timeout < 10ms || options.queue_timeout > 60s) {
    found.push_back("executor.queue_timeout is " + std::to_string(options.queue_timeout.count()) +
                    " ms: it must be 10 to 60000 ms.");
  }
  return found;
}

std::vector<std::string> problems(const ApiOptions& options) {
  std::vector<std::string> found;
  if (options.body_bytes_max < 1'000 || options.body_bytes_max > 100'000'000) {
    found.push_back("api.body_bytes_max is " + std::to_string(options.body_bytes_max) +
                    ": it must be 1000 to 100000000.");
  }
  if (options.shutdown_grace < 0ms || options.shutdown_grace > 10min) {
    found.push_back("api.shutdown_grace is " + std::to_string(options.shutdown_grace.count()) +
                    " ms: it must be 0 to 10 minutes.");
  }
  return found;
}

}  // namespace codasync::api
