#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace codasync::test {

/// A child process without a shell, which dies with the test: killed by the destructor, or by the
/// kernel when the thread that started it ends. Threads: one at a time.
class Process {
 public:
  struct Options {
    std::vector<std::string> environment;  // NAME=value, added to the test's own
    std::string log;                       // file for its output, appended; empty: thrown away
  };

  /// `arguments[0]` is searched for in PATH. Throws: std::system_error when it cannot be started.
  explicit Process(const std::vector<std::string>& arguments, const Options& options = {});
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  [[nodiscard]] pid_t id() const noexcept { return id_; }

  /// Sends a signal, unless it has ended.
  void signal(int number);

  /// SIGSTOP, and waits until it stands still: a loaded machine takes its time. SIGCONT goes on.
  void freeze();

  /// SIGKILL, and waits until it is gone.
  void kill();

  /// Returns: the exit status, 128 + the signal that ended it, or nothing while it runs.
  std::optional<int> poll();
  /// The same, but waits for it, up to `patience`.
  std::optional<int> wait(std::chrono::milliseconds patience);

 private:
  pid_t id_;                   // -1: moved from
  std::optional<int> status_;  // of a process that has ended
};

/// Returns: the command so that it does not run as root, when this is root, but as nobody; the
/// kernel sends it `leash` when the thread that starts it ends.
std::vector<std::string> as_server(std::vector<std::string> command, int leash);

/// Gives a directory and what is in it to the account of as_server().
void give_to_servers(const std::string& directory);

/// Returns: a new directory under the temporary one, private to this user.
std::string make_scratch_directory();

/// Asks `condition` again and again until it holds. Returns: whether it did within `patience`.
template <class Condition>
bool eventually(const Condition& condition,
                std::chrono::milliseconds patience = std::chrono::seconds{10}) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace codasync::test
