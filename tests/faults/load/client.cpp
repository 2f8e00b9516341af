#include "tests/faults/load/client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

namespace codasync::faults {
namespace {

/// Returns: the value of a header of this name, as the servers here write it; empty: none.
std::string_view header(std::string_view head, std::string_view name) {
  const auto at = head.find(name);
  if (at == std::string_view::npos) return {};
  head.remove_prefix(at + name.size());
  return head.substr(0, head.find("\r\n"));
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Client::Progress Client::send(std::string request) {
  if (close_after_) drop();
  request_ = std::move(request);
  sent_ = scanned_ = 0;
  received_.clear();
  const bool reused = socket_ >= 0;
  if (!reused && !connect()) return Progress::lost;
  // A server that idled too long closed it; that is known before anything is sent.
  if (!push() && (!reused || (drop(), !connect()) || !push())) {
    drop();
    return Progress::lost;
  }
  return Progress::waiting;
}

bool Client::connect() {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    drop();
    return false;
  }
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = number_;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_, &event);
  return true;
}

/// Sends what fits. Returns: whether the connection lives.
bool Client::push() {
  while (sent_ < request_.size()) {
    const auto size =
        ::send(socket_, request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    sent_ += static_cast<std::size_t>(size);
  }
  return true;
}

Client::Progress Client::advance() {
  if (socket_ < 0) return Progress::lost;
  if (!push()) {
    drop();
    return Progress::lost;
  }
  for (;;) {
    char buffer[65536];
    const auto size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size > 0) {
      received_.append(buffer, static_cast<std::size_t>(size));
      const auto progress = parse();
      if (progress == Progress::waiting) continue;
      if (progress == Progress::lost) drop();
      return progress;
    }
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Progress::waiting;
    drop();
    return Progress::lost;
  }
}

Client::Progress Client::parse() {
  const auto end = received_.find("\r\n\r\n", scanned_);
  if (end == std::string::npos) {
    scanned_ = received_.size() < 3 ? 0 : received_.size() - 3;
    return Progress::waiting;
  }
  scanned_ = end;
  const std::string_view head{received_.data(), end + 2};
  if (!head.starts_with("HTTP/1.1 ")) return Progress::lost;
  answer_.status = static_cast<int>(number(head.substr(9, 3)));
  const bool bare = answer_.status == 204 || answer_.status == 304;
  const auto length = header(head, "\r\nContent-Length: ");
  if (!bare && length.empty()) return Progress::lost;
  const auto size = bare ? 0 : number(length);
  if (received_.size() < end + 4 + size) return Progress::waiting;
  answer_.etag = header(head, "\r\nETag: ");
  answer_.body = std::string_view{received_}.substr(end + 4, size);
  close_after_ = header(head, "\r\nConnection: ") == "close" ||
                 header(head, "\r\nConnection: ") == "Close" || received_.size() != end + 4 + size;
  return Progress::answered;
}

void Client::drop() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  close_after_ = false;
}

}  // namespace codasync::faults
