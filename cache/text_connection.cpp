#include "cache/text_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "cache/resolved_address.hpp"

namespace codasync::cache {
namespace {

constexpr std::size_t kLineBytesMax = 1024;  // of a reply; the expected ones are shorter
constexpr int kRoundMax = 20;                // in answer_timeouts

/// The server closed the connection, or it was never open.
struct Closed {};

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

bool on_this_machine(const sockaddr* address) {
  if (address->sa_family == AF_UNIX) return true;
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

TextFailure connect_failure(int error, const sockaddr* address) {
  // On this machine a refused connection means that the process has ended; elsewhere a firewall may
  // have refused it. A missing socket file means nothing: the process may still run.
  const bool refused = error == ECONNREFUSED && on_this_machine(address);
  return TextFailure{refused ? Unreachable::refused : Unreachable::no_response,
                     "connect: " + std::system_category().message(error)};
}

/// Returns: a connection, or nothing and the reason in errno.
std::optional<UniqueFd> try_connect(const sockaddr* address, socklen_t size,
                                    std::chrono::milliseconds timeout) {
  UniqueFd socket{::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.get() < 0) return std::nullopt;
  if (connect(socket.get(), address, size) == 0) return socket;
  if (errno != EINPROGRESS) return std::nullopt;  // EAGAIN, Unix: the listen queue is full
  pollfd waiting{socket.get(), POLLOUT, 0};
  int error = ETIMEDOUT;
  if (poll(&waiting, 1, static_cast<int>(timeout.count())) == 1) {
    socklen_t error_size = sizeof error;
    getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &error_size);
  }
  if (error == 0) return socket;
  errno = error;
  return std::nullopt;
}

UniqueFd connect_unix(const std::string& path, std::chrono::milliseconds timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  auto socket = try_connect(generic, sizeof address, timeout);
  if (!socket) throw connect_failure(errno, generic);
  return std::move(*socket);
}

UniqueFd connect_tcp(const Address& address, std::chrono::milliseconds timeout) {
  const auto to = resolved(address);
  if (!to) {
    throw TextFailure{Unreachable::no_response,
                      "the name " + address.host + " could not be resolved yet"};
  }
  const auto* generic = reinterpret_cast<const sockaddr*>(&to->bytes);
  auto socket = try_connect(generic, to->size, timeout);
  if (!socket) throw connect_failure(errno, generic);
  const int on = 1;
  setsockopt(socket->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return std::move(*socket);
}

}  // namespace

UniqueFd connect_to(const Address& address, std::chrono::milliseconds timeout) {
  return address.local_socket() ? connect_unix(address.path, timeout)
                                : connect_tcp(address, timeout);
}

TextConnection::TextConnection(Address address, std::chrono::milliseconds timeout,
                               CheckConnection check)
    : address_{std::move(address)},
      timeout_{timeout},
      check_{std::move(check)},
      socket_{connect_to(address_, timeout_)} {
  if (check_) check_(*this);
}

std::optional<std::string_view> reply_line(std::string_view bytes) {
  const auto end = bytes.substr(0, kLineBytesMax).find("\r\n");
  if (end != std::string_view::npos) return bytes.substr(0, end);
  if (bytes.size() > kLineBytesMax)
    throw TextFailure{Unreachable::no_response, "a reply without a line end"};
  return std::nullopt;
}

void refuse_reply(std::string_view line) {
  throw TextFailure{Unreachable::no_response,
                    "unexpected reply '" + std::string{line.substr(0, 100)} + "'"};
}

std::size_t take_acknowledgement(std::size_t, std::string_view bytes) {
  const auto line = reply_line(bytes);
  if (!line) return 0;
  if (line != "DELETED" && line != "NOT_FOUND" && line != "OK") refuse_reply(*line);
  return line->size() + 2;
}

void TextConnection::begin(std::string commands, std::size_t count, TakeReply take, Repeat repeat) {
  assert(done() && count > 0);
  commands_ = std::move(commands);
  take_ = std::move(take);
  repeat_ = repeat;
  count_ = missing_ = count;
  sent_ = 0;
}

void TextConnection::advance() {
  try {
    send_some();
    read_some();
  } catch (const Closed&) {
    if (!reused_ || repeat_ == Repeat::no)
      throw TextFailure{Unreachable::no_response, "the server closed the connection"};
    start_over();
    advance();  // no second repetition, because the connection is new
  }
  if (done()) reused_ = true;
}

short TextConnection::events() const noexcept {
  return sent_ < commands_.size() ? POLLIN | POLLOUT : POLLIN;
}

void TextConnection::send_some() {
  while (sent_ < commands_.size()) {
    const ssize_t sent = send(socket_.get(), commands_.data() + sent_, commands_.size() - sent_,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (would_block(errno)) return;
      if (errno == EINTR) continue;
      throw Closed{};
    }
    sent_ += static_cast<std::size_t>(sent);
  }
}

void TextConnection::read_some() {
  std::array<char, 16384> buffer;
  while (!done()) {
    const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0) {
      if (would_block(errno)) return;
      if (errno == EINTR) continue;
      throw Closed{};
    }
    if (size == 0) throw Closed{};
    unread_.append(buffer.data(), static_cast<std::size_t>(size));
    take_replies();
  }
}

void TextConnection::take_replies() {
  std::string_view rest{unread_};
  try {
    while (!rest.empty()) {
      if (done()) refuse_reply(rest);
      const auto size = take_(count_ - missing_, rest);
      if (size == 0) break;
      rest.remove_prefix(size);
      --missing_;
    }
  } catch (const TextFailure&) {
    missing_ = count_;  // never usable again
    throw;
  }
  unread_.erase(0, unread_.size() - rest.size());
}

void TextConnection::start_over() {
  socket_ = std::move(TextConnection{address_, timeout_, check_}.socket_);
  reused_ = false;
  missing_ = count_;
  sent_ = 0;
  unread_.clear();
}

void complete(std::span<TextConnection* const> connections,
              std::chrono::milliseconds answer_timeout,
              const std::function<void(std::size_t, const TextFailure&)>& failed) {
  using Clock = std::chrono::steady_clock;
  const auto latest = Clock::now() + kRoundMax * answer_timeout;
  auto deadline = Clock::now() + answer_timeout;
  std::vector<bool> ended(connections.size());
  const auto guarded = [&](std::size_t i, const auto& work) {
    try {
      work(*connections[i]);
    } catch (const TextFailure& failure) {
      ended[i] = true;
      failed(i, failure);
    }
  };
  for (std::size_t i = 0; i < connections.size(); ++i) {
    const bool unsent = (connections[i]->events() & POLLOUT) != 0;
    if (unsent) guarded(i, [](TextConnection& connection) { connection.advance(); });
  }
  for (;;) {
    std::vector<pollfd> waiting;
    for (std::size_t i = 0; i < connections.size(); ++i) {
      ended[i] = ended[i] || connections[i]->done();
      if (!ended[i]) waiting.push_back({connections[i]->descriptor(), connections[i]->events(), 0});
    }
    if (waiting.empty()) return;
    // Rounded up: with 0, poll() would return at once in a loop.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int ready =
        poll(waiting.data(), waiting.size(), static_cast<int>(std::max<decltype(left)>(left, 0)));
    if (ready > 0) deadline = std::min(Clock::now() + answer_timeout, latest);
    const bool late = Clock::now() >= deadline;
    for (std::size_t i = 0; i < connections.size(); ++i) {
      if (ended[i]) continue;
      guarded(i, [&](TextConnection& connection) {
        if (ready > 0) connection.advance();
        if (late && !connection.done())
          throw TextFailure{Unreachable::no_response, "no reply in time"};
      });
    }
  }
}

void run_command(const Address& address, std::string command,
                 std::chrono::milliseconds connect_timeout,
                 std::chrono::milliseconds answer_timeout) {
  using Clock = std::chrono::steady_clock;
  TextConnection connection{address, connect_timeout};
  connection.begin(std::move(command), 1);
  const auto deadline = Clock::now() + answer_timeout;
  for (connection.advance(); !connection.done(); connection.advance()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd waiting{connection.descriptor(), connection.events(), 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0)
      throw TextFailure{Unreachable::no_response, "no reply in time"};
  }
}

}  // namespace codasync::cache
