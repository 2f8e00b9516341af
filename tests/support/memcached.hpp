#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace codasync::test {

/// A real Memcached on its own Unix socket, which a test can stop, restart and freeze.
/// Throws: std::runtime_error when it does not start. Threads: one at a time.
class Memcached {
 public:
  /// `arguments` are added to its command line, for example {"-m", "1"}.
  explicit Memcached(std::vector<std::string> arguments = {});
  ~Memcached();
  Memcached(const Memcached&) = delete;
  Memcached& operator=(const Memcached&) = delete;

  /// Returns: `unix:/path`, as an option of the service.
  [[nodiscard]] std::string address() const { return "unix:" + socket_; }
  [[nodiscard]] const std::string& socket() const noexcept { return socket_; }

  void stop();   // kills it: connections break, memory is lost
  void start();  // after stop(); returns when it responds
  void restart() {
    stop();
    start();
  }
  void freeze();  // SIGSTOP: connections are accepted, but there are no replies
  void thaw();

  /// Removes all entries but the identity of the process (cache/slot_identity.hpp): without it the
  /// slot keeper would empty the server a moment later.
  void clear() const;

  /// Sends one command. Returns: the reply, without the final line end.
  std::string ask(const std::string& command) const;

 private:
  std::string directory_;
  std::string socket_;
  std::vector<std::string> arguments_;
  std::optional<Process> process_;
};

}  // namespace codasync::test
