#include "tests/support/memcached.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <stdexcept>

namespace codasync::test {
namespace {

/// Sends commands that end with `quit`. Returns: all replies; nothing if the connection failed.
std::optional<std::string> exchange(const std::string& path, const std::string& text) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  std::optional<std::string> replies;
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    replies.emplace();
    send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
    std::array<char, 4096> buffer;
    for (ssize_t size = 0; (size = recv(descriptor, buffer.data(), buffer.size(), 0)) > 0;) {
      replies->append(buffer.data(), static_cast<std::size_t>(size));
    }
  }
  close(descriptor);
  return replies;
}

}  // namespace

Memcached::Memcached(std::vector<std::string> arguments)
    : directory_{make_scratch_directory()},
      socket_{directory_ + "/memcached"},
      arguments_{std::move(arguments)} {
  give_to_servers(directory_);
  start();
}

Memcached::~Memcached() {
  process_.reset();
  std::filesystem::remove_all(directory_);
}

void Memcached::stop() {
  process_.reset();
  // The socket file of a killed server stays. It refuses connections, as a closed port does.
}

void Memcached::start() {
  std::vector<std::string> command{"memcached", "-s", socket_, "-a", "0600"};
  command.insert(command.end(), arguments_.begin(), arguments_.end());
  process_.emplace(as_server(std::move(command), SIGKILL),
                   Process::Options{.environment = {}, .log = directory_ + "/log"});
  const auto responds = [this] { return exchange(socket_, "version\r\nquit\r\n").has_value(); };
  if (!eventually(responds))
    throw std::runtime_error{"memcached does not start; check that it is installed"};
}

void Memcached::freeze() { process_->freeze(); }
void Memcached::thaw() { process_->signal(SIGCONT); }

void Memcached::clear() const {
  const auto stored = ask("get slot1");  // VALUE slot1 flags size CR LF bytes CR LF END
  ask("flush_all");
  const auto line = stored.find("\r\n");
  if (line == std::string::npos) return;
  const auto begin = line + 2;
  const auto bytes =
      stored.substr(begin, stored.size() - begin - std::string_view{"\r\nEND"}.size());
  const auto flags = stored.find(' ', 6) + 1;
  ask("set slot1 " + stored.substr(flags, stored.find(' ', flags) - flags) + " 0 " +
      std::to_string(bytes.size()) + "\r\n" + bytes);
}

std::string Memcached::ask(const std::string& command) const {
  auto reply = exchange(socket_, command + "\r\nquit\r\n");
  if (!reply) throw std::runtime_error{"memcached cannot be reached"};
  while (reply->ends_with("\r\n")) reply->resize(reply->size() - 2);
  return *reply;
}

}  // namespace codasync::test
