#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace codasync::test {

/// A real Nginx with the project's configuration template, on a loopback port.
/// Throws: std::runtime_error when it does not start. Threads: one at a time.
class Nginx {
 public:
  struct Options {
    std::string source;                  // of the project: where nginx/render is
    std::string module;                  // the look-up module of the build
    std::string preload;                 // library to load before the module; may be empty
    std::vector<std::string> services;   // as `render` takes them: host:port or unix:/path
    std::vector<std::string> memcached;  // the same, in the order of the slots
    std::string key_file;                // of the entries' seals; may be empty
  };
  explicit Nginx(const Options& options);
  ~Nginx();
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }

  /// Ends Nginx after the requests in progress. Returns: the complete access log.
  std::string stop();

 private:
  std::string directory_;
  int port_;
  std::unique_ptr<Process> process_;  // null when stopped
};

/// Returns: a loopback port that is not in use at this moment.
int free_port();

}  // namespace codasync::test
