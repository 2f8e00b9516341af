#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/eventually.hpp"

namespace codasync::test {

/// A child process, started without a shell. It does not outlive the test: the destructor kills it,
/// or the kernel when the thread that started it ends. Threads: one at a time.
class Process {
 public:
  struct Options {
    std::vector<std::string> environment;  // NAME=value, added to the test's own
    std::string log;                       // file that its output is appended to; empty: no output
  };

  /// `arguments[0]` is searched for in PATH. Throws: std::system_error when it cannot be started.
  explicit Process(const std::vector<std::string>& arguments, const Options& options = {});
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  [[nodiscard]] pid_t id() const noexcept { return id_; }

  /// Sends a signal, unless the process has ended.
  void signal(int number);

  /// Sends SIGSTOP and waits until the process is stopped. SIGCONT continues it.
  void freeze();

  /// Sends SIGKILL and waits for the end.
  void kill();

  /// Returns: the exit status, or 128 + the signal that ended it; nothing while it runs.
  std::optional<int> poll();
  /// Returns the same, but waits up to `timeout` for the end.
  std::optional<int> wait(std::chrono::milliseconds timeout);

 private:
  pid_t id_;                   // -1: moved from
  std::optional<int> status_;  // of a process that has ended
};

/// Returns: the command with a prefix (setpriv). When this process is root, the command runs as a
/// user without rights. The kernel sends it `parent_death_signal` when the thread that started it
/// ends.
std::vector<std::string> as_server(std::vector<std::string> command, int parent_death_signal);

/// Makes the user of as_server() the owner of a directory and its contents.
void give_to_servers(const std::string& directory);

/// Returns: a new directory in the system's temporary directory, private to this user.
std::string make_scratch_directory();

}  // namespace codasync::test
