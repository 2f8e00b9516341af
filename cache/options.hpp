#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace codasync::cache {

/// Which Memcached servers to use and how long to wait for them. Fixed after the start;
/// config/settings/table.cpp has the ranges.
struct MemcachedOptions {
  /// The slots, in order: `unix:/path` or `host:port`. Nginx' configuration needs the same
  /// list in the same order. Empty: no cache.
  std::vector<std::string> servers{"127.0.0.1:11211"};
  std::size_t connections_max{16};  // per server, for each of look-ups, fills and deletes
  std::chrono::milliseconds connect_timeout{100};
  std::chrono::milliseconds answer_timeout{100};
  /// Reads do not use a server for this time after a failure.
  std::chrono::milliseconds rest_after_failure{500};
  std::chrono::seconds entry_ttl{3600};  // bounds memory, not staleness
  std::chrono::seconds lease_ttl{5};     // a crashed filler blocks others for this time
};

/// Returns: a text for each server that is not an address, has a login, or is listed twice.
std::vector<std::string> problems_of_servers(const std::vector<std::string>& servers);

}  // namespace codasync::cache
