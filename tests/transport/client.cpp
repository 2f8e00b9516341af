#include "tests/transport/client.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace codasync::test {
namespace {

int connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

int connect_tcp(const std::string& address) {
  const auto colon = address.rfind(':');
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &name.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0) return fd;
  ::close(fd);
  return -1;
}

}  // namespace

std::optional<std::string> Received::header(std::string_view name) const {
  const std::string line = "\r\n" + std::string{name} + ": ";
  const auto at = head.find(line);
  if (at == std::string::npos) return std::nullopt;
  const auto start = at + line.size();
  return head.substr(start, head.find("\r\n", start) - start);
}

Client::Client(const std::string& address, std::chrono::milliseconds timeout)
    : fd_{address.starts_with("unix:") ? connect_unix(address.substr(5)) : connect_tcp(address)},
      timeout_{timeout} {
  if (fd_.get() < 0) throw std::runtime_error{"cannot connect to " + address};
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void Client::send_get(std::string_view target, std::string_view headers) {
  send("GET " + std::string{target} + " HTTP/1.1\r\nHost: test\r\n" + std::string{headers} +
       "\r\n");
}

void Client::half_close() { ::shutdown(fd_.get(), SHUT_WR); }

void Client::vanish() {
  const linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_ = UniqueFd{};
}

std::optional<Received> Client::receive(bool to_head) {
  auto end = buffer_.find("\r\n\r\n");
  while (end == std::string::npos) {
    if (!read_more()) return std::nullopt;
    end = buffer_.find("\r\n\r\n");
  }
  Received received;
  received.head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  received.status = std::stoi(received.head.substr(9, 3));
  const auto length = received.header("Content-Length");
  const std::size_t size = length && !to_head ? std::stoul(*length) : 0;
  while (buffer_.size() < size) {
    if (!read_more()) return std::nullopt;
  }
  received.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return received;
}

std::optional<std::string> Client::receive_chunk() {
  auto end = buffer_.find("\r\n");
  while (end == std::string::npos) {
    if (!read_more()) return std::nullopt;
    end = buffer_.find("\r\n");
  }
  const auto size = std::stoul(buffer_.substr(0, end), nullptr, 16);
  const auto begin = end + 2;
  while (buffer_.size() < begin + size + 2) {
    if (!read_more()) return std::nullopt;
  }
  auto chunk = buffer_.substr(begin, size);
  buffer_.erase(0, begin + size + 2);
  return chunk;
}

std::string Client::receive_rest() {
  while (read_more()) {
  }
  return std::exchange(buffer_, {});
}

bool Client::closed_by_server() {
  while (buffer_.empty() && read_more()) {
  }
  return buffer_.empty() && ended_;
}

bool Client::ended() const {
  char byte{};
  const ssize_t n = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

bool Client::read_more() {
  pollfd waiting{fd_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(timeout_.count())) <= 0) return false;
  std::array<char, 65536> bytes{};
  const ssize_t n = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
  if (n <= 0) {
    ended_ = true;
    return false;
  }
  buffer_.append(bytes.data(), static_cast<std::size_t>(n));
  return true;
}

}  // namespace codasync::test
