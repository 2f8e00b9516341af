#include "tests/support/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace codasync::test {
namespace {

constexpr uid_t kNobody = 65534;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;  // in front: getenv() uses the first match
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  return all;
}

// After fork() in a program with threads, only async-signal-safe functions are allowed.
[[noreturn]] void become(char* const* arguments, char* const* environment, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent ended before prctl()
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execvpe(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const Options& options) : id_{-1} {
  auto arguments_copy = arguments;
  auto environment = environment_with(options.environment);
  const auto argument_pointers = pointers(arguments_copy);
  const auto environment_pointers = pointers(environment);
  const std::string log = options.log.empty() ? "/dev/null" : options.log;
  const int descriptor = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) throw std::system_error{errno, std::generic_category(), log};
  const pid_t parent = getpid();
  id_ = fork();
  if (id_ == 0) become(argument_pointers.data(), environment_pointers.data(), descriptor, parent);
  const int error = errno;
  close(descriptor);
  if (id_ < 0) throw std::system_error{error, std::generic_category(), "fork"};
}

Process::Process(Process&& other) noexcept
    : id_{std::exchange(other.id_, -1)}, status_{other.status_} {}

Process::~Process() {
  if (id_ > 0) kill();
}

void Process::signal(int number) {
  if (!poll()) ::kill(id_, number);
}

void Process::freeze() {
  signal(SIGSTOP);
  siginfo_t seen{};
  eventually([&] {
    return waitid(P_PID, static_cast<id_t>(id_), &seen, WSTOPPED | WEXITED | WNOHANG | WNOWAIT) ==
               0 &&
           seen.si_pid == id_;
  });
}

void Process::kill() {
  signal(SIGKILL);
  wait(std::chrono::seconds{10});
}

std::optional<int> Process::poll() {
  int status = 0;
  if (!status_ && waitpid(id_, &status, WNOHANG) == id_) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return status_;
}

std::optional<int> Process::wait(std::chrono::milliseconds timeout) {
  eventually([this] { return poll().has_value(); }, timeout);
  return status_;
}

std::vector<std::string> as_server(std::vector<std::string> command, int parent_death_signal) {
  const auto id = std::to_string(kNobody);
  // A change of the account clears the parent-death signal, so setpriv sets it again.
  std::vector<std::string> all{"setpriv", "--pdeathsig", sigabbrev_np(parent_death_signal)};
  if (geteuid() == 0)
    all.insert(all.end(), {"--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs"});
  all.emplace_back("--");
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

void give_to_servers(const std::string& directory) {
  if (geteuid() != 0) return;
  const auto give = [](const std::string& path) {
    if (lchown(path.c_str(), kNobody, kNobody) != 0)
      throw std::system_error{errno, std::generic_category(), path};
  };
  give(directory);
  for (const auto& entry : std::filesystem::recursive_directory_iterator{directory})
    give(entry.path());
}

std::string make_scratch_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "codasync-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::system_error{errno, std::generic_category(), name};
  }
  return name;
}

}  // namespace codasync::test
