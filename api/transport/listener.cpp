#include "api/transport/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <system_error>

#include "api/transport/options.hpp"

namespace codasync::api::transport {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr int kBacklog = 4096;       // the kernel cuts it to net.core.somaxconn
constexpr std::size_t kSuffix = 12;  // room for the process id in the name before the rename
constexpr mode_t kSocketMode = 0666;

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size{0};
};

std::optional<Endpoint> parse_tcp(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = text.substr(colon + 1);
  std::string host{text.substr(0, colon)};

  std::uint16_t port{0};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
    return std::nullopt;
  }

  Endpoint endpoint;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    host = host.substr(1, host.size() - 2);
    if (::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) != 1) return std::nullopt;
    std::memcpy(&endpoint.address, &six, sizeof six);
    endpoint.size = sizeof six;
  } else {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) != 1) return std::nullopt;
    std::memcpy(&endpoint.address, &four, sizeof four);
    endpoint.size = sizeof four;
  }
  return endpoint;
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un result{};
  result.sun_family = AF_UNIX;
  path.copy(result.sun_path, sizeof result.sun_path - 1);
  return result;
}

template <typename Address>
const sockaddr* as_sockaddr(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

[[noreturn]] void fail(const std::string& address, const char* what) {
  throw std::system_error{errno, std::generic_category(), address + ": " + what};
}

/// Returns: whether a process listens on the Unix socket; false: the socket is stale.
bool is_live(const std::string& address, const std::string& path) {
  const UniqueFd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (probe.get() < 0) fail(address, "socket");
  const sockaddr_un name = unix_address(path);
  if (::connect(probe.get(), as_sockaddr(name), sizeof name) == 0) return true;
  if (errno == EAGAIN) return true;  // its queue is full
  if (errno == ECONNREFUSED || errno == ENOENT) return false;
  fail(address, "cannot determine whether another process uses this socket");
}

}  // namespace

std::optional<std::string> problem_of_address(const std::string& address) {
  if (address.starts_with(kUnixPrefix)) {
    const std::size_t length = address.size() - kUnixPrefix.size();
    constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1 - kSuffix;
    if (length == 0 || address[kUnixPrefix.size()] != '/') return "the path must be absolute";
    if (length > kLongest) {
      return "the path must be at most " + std::to_string(kLongest) + " bytes long";
    }
    return std::nullopt;
  }
  if (parse_tcp(address)) return std::nullopt;
  return "it must be unix:/path or address:port with a numeric address, IPv6 in brackets";
}

Listener::Listener(const std::string& address, IfInUse if_in_use) : address_{address} {
  if (problem_of_address(address)) {
    errno = EINVAL;
    fail(address_, "not a valid address");
  }
  if (address.starts_with(kUnixPrefix)) {
    path_ = address.substr(kUnixPrefix.size());
    check_path(if_in_use);
    listen_on_path();
  } else {
    listen_on_tcp();
  }
}

Listener::~Listener() {
  if (fd_.get() < 0 || path_.empty()) return;
  struct stat now {};
  // A successor can still rename its socket onto the path between this check and the unlink: POSIX
  // has no atomic operation for it.
  if (::lstat(path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

UniqueFd Listener::accept() const {
  int fd{-1};
  do {
    fd = ::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (fd >= 0 && is_tcp()) {
    const int on = 1;  // a response is one write: waiting for more would only delay it
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return UniqueFd{fd};
}

void Listener::refuse_more() const {
  if (!is_tcp()) ::shutdown(fd_.get(), SHUT_RD);
}

void Listener::check_path(IfInUse if_in_use) const {
  struct stat there {};
  if (::lstat(path_.c_str(), &there) != 0) {
    if (errno == ENOENT) return;
    fail(address_, "cannot examine this path");
  }
  if (!S_ISSOCK(there.st_mode)) {
    errno = EEXIST;
    fail(address_,
         "a file that is not a socket has this path; use another path or remove the file");
  }
  if (there.st_uid != ::geteuid()) {
    errno = EPERM;
    fail(address_,
         "the socket at this path belongs to another user; use another path or remove it");
  }
  if (if_in_use == IfInUse::take_over) return;
  // Another process that starts between this check and the rename is replaced without an error: a
  // window of microseconds.
  if (is_live(address_, path_)) {
    errno = EADDRINUSE;
    fail(address_,
         "another process listens here; stop it first, or start with --take-over to replace it");
  }
}

void Listener::listen_on_path() {
  fd_ = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (fd_.get() < 0) fail(address_, "socket");
  const std::string beside = path_ + "." + std::to_string(::getpid());
  ::unlink(beside.c_str());
  const sockaddr_un name = unix_address(beside);
  struct stat there {};
  if (::bind(fd_.get(), as_sockaddr(name), sizeof name) != 0) fail(address_, "bind");
  if (::chmod(beside.c_str(), kSocketMode) != 0 || ::listen(fd_.get(), kBacklog) != 0 ||
      ::lstat(beside.c_str(), &there) != 0 || ::rename(beside.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(beside.c_str());
    errno = error;
    fail(address_, "listen");
  }
  device_ = there.st_dev;
  inode_ = there.st_ino;
}

void Listener::listen_on_tcp() {
  Endpoint endpoint = *parse_tcp(address_);
  fd_ =
      UniqueFd{::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (fd_.get() < 0) fail(address_, "socket");
  const int on = 1;  // a restart must not wait for old connections in TIME_WAIT
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd_.get(), as_sockaddr(endpoint.address), endpoint.size) != 0) fail(address_, "bind");
  if (::listen(fd_.get(), kBacklog) != 0) fail(address_, "listen");

  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&endpoint.address), &endpoint.size) !=
      0) {
    fail(address_, "getsockname");
  }
  in_port_t port{0};  // at the same place in both families
  std::memcpy(&port,
              reinterpret_cast<const char*>(&endpoint.address) + offsetof(sockaddr_in, sin_port),
              sizeof port);
  address_.replace(address_.rfind(':') + 1, std::string::npos, std::to_string(ntohs(port)));
}

}  // namespace codasync::api::transport
