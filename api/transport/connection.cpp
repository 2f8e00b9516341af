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

void Connection::append(std::string_view bytes) {
  // Without it the sent bytes would stay for as long as the client is a little behind.
  out.erase(0, std::exchange(sent, 0));
  out += bytes;
}

}  // namespace codasync::api::transport
