#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace codasync::api {

/// How to serve clients; fixed after the start. api/transport/README.md lists the response at each
/// limit, config/settings/table.cpp the ranges.
struct ServerOptions {
  /// `unix:/path` or `address:port`; port 0: any free port.
  std::vector<std::string> listen{"127.0.0.1:8081"};

  /// When another process listens on one of the Unix sockets: replace it instead of failing. Set by
  /// the command line only (`codasync serve --take-over`), because the replaced process loses its
  /// clients.
  bool take_over{false};

  /// Whether only the reverse proxy connects to the TCP addresses, as it always is at Unix sockets:
  /// then its X-Forwarded-Proto and X-Forwarded-Host count.
  bool behind_proxy{false};

  /// Threads with an event loop each. The requests of one loop iteration share a round trip to the
  /// cache, so few loops are best on a small machine (tests/bench/README.md has the measurements).
  std::size_t workers{1};

  std::size_t connections_max{10'000};       // further ones get 503 and are closed
  std::size_t tcp_connections_max{1'000};    // of these, when a Unix socket is in `listen` too
  std::size_t request_bytes_max{1'100'000};  // request line, headers and body together

  std::chrono::milliseconds request_timeout{10'000};  // from a request's first byte to its last
  std::chrono::milliseconds idle_timeout{75'000};     // between requests; Nginx waits 60 s
  std::chrono::milliseconds write_timeout{10'000};    // without progress of a response
};

}  // namespace codasync::api

namespace codasync::api::transport {

/// Returns: why this is not a valid `unix:/path` or `address:port` (numeric, IPv6 in brackets);
/// empty when it is.
std::optional<std::string> problem_of_address(const std::string& address);

}  // namespace codasync::api::transport
