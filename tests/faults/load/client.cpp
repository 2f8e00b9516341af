#include "tests/faults/load/client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

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

std::size_t number(std::string_view text, int base = 10) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

/// Joins the chunks of a body. Returns: the bytes that they take; 0: some are missing.
std::size_t join_chunks(std::string_view text, std::string& body) {
  body.clear();
  std::size_t at = 0;
  for (;;) {
    const auto line = text.find("\r\n", at);
    if (line == std::string_view::npos) return 0;
    const auto size = number(text.substr(at, line - at), 16);
    const auto next = line + 2 + size + 2;
    if (text.size() < next) return 0;
    if (size == 0) return next;
    body.append(text.substr(line + 2, size));
    at = next;
  }
}

/// Returns: whether the text is one complete gzip stream.
bool inflate_gzip(std::string_view text, std::string& body) {
  constexpr int kGzip = 16 + MAX_WBITS;
  z_stream stream{};
  if (::inflateInit2(&stream, kGzip) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  body.clear();
  int state = Z_OK;
  while (state == Z_OK) {
    char buffer[65536];
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    state = ::inflate(&stream, Z_NO_FLUSH);
    body.append(buffer, sizeof buffer - stream.avail_out);
  }
  const bool whole = state == Z_STREAM_END && stream.avail_in == 0;
  ::inflateEnd(&stream);
  return whole;
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
  const bool bare = answer_.status == 204 || answer_.status == 304 || request_.starts_with("HEAD ");
  const auto rest = std::string_view{received_}.substr(end + 4);
  const bool chunked = header(head, "\r\nTransfer-Encoding: ") == "chunked";
  const auto length = header(head, "\r\nContent-Length: ");
  if (!bare && !chunked && length.empty()) return Progress::lost;
  const auto size = bare ? 0 : chunked ? join_chunks(rest, joined_) : number(length);
  if (rest.size() < size || (chunked && !bare && size == 0)) return Progress::waiting;
  answer_.etag = header(head, "\r\nETag: ");
  // Nginx marks the tag of what it compresses as weak.
  if (answer_.etag.starts_with("W/")) answer_.etag.remove_prefix(2);
  answer_.body = chunked && !bare ? std::string_view{joined_} : rest.substr(0, size);
  if (!bare && header(head, "\r\nContent-Encoding: ") == "gzip") {
    if (!inflate_gzip(answer_.body, inflated_)) return Progress::lost;
    answer_.body = inflated_;
  }
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
