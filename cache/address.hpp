#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace codasync::cache {

/// The address of one Memcached server: a Unix socket, or a host and a TCP port.
struct Address {
  std::string path;  // of the Unix socket; empty: TCP
  std::string host;
  std::uint16_t port{0};

  [[nodiscard]] bool local_socket() const noexcept { return !path.empty(); }
};

/// Returns: the address of `unix:/path`, `host:port` or `[IPv6]:port`, or nothing when the text has
/// another form or the path is too long for a socket.
std::optional<Address> parse_address(std::string_view text);

}  // namespace codasync::cache
