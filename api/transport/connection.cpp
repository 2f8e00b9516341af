#include "api/transport/connection.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace codasync::api::transport {

bool Connection::transmit() {
  while (!all_sent()) {
    const ssize_t written =
        ::send(fd.get(), out.data() + sent, out.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written >= 0) {
      sent += static_cast<std::size_t>(written);
      shared->waiting -= in_stream() ? static_cast<std::size_t>(written) : 0;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return true;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::string_view Connection::receive(std::span<char> buffer) {
  const ssize_t received = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
  if (received > 0) return {buffer.data(), static_cast<std::size_t>(received)};
  if (received == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
    state = State::closed;
  return {};
}

void Connection::append(std::string_view bytes) {
  // Without it the sent bytes would stay for as long as the client is a little behind.
  out.erase(0, std::exchange(sent, 0));
  out += bytes;
}

}  // namespace codasync::api::transport
