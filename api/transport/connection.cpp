#include "api/transport/connection.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace codasync::api::transport {

bool Connection::transmit() {
  while (!all_sent()) {
    const ssize_t written =
        ::send(fd.get(), out.data() + sent, out.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written >= 0) {
      sent += static_cast<std::size_t>(written);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return true;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace codasync::api::transport
