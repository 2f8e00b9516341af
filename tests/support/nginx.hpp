#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace codasync::test {

/// The edge: a real Nginx from the project's template on a loopback port.
/// Throws: std::runtime_error when it does not start. Threads: one at a time.
class Nginx {
 public:
  struct Options {
    std::string source;                  // of the project: where nginx/render is
    std::string module;                  // the look-up module of the build
    std::string preload;                 // what has to be loaded before the module; empty: nothing
    std::vector<std::string> services;   // as `render` takes them: host:port or unix:/path
    std::vector<std::string> memcached;  // the same, in the order of the slots
  };
  explicit Nginx(const Options& options);
  ~Nginx();
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }

  /// Ends it, after what has begun. Returns: its access log, complete.
  std::string stop();

 private:
  std::string directory_;
  int port_;
  std::unique_ptr<Process> process_;  // nothing: stopped
};

/// Returns: a loopback port that nobody listens on at this moment.
int free_port();

}  // namespace codasync::test
