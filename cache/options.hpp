#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace codasync::cache {

/// Which Memcached servers to use and how long to wait for them. Fixed after the start.
struct MemcachedOptions {
  /// The slots, in order: `unix:/path` or `host:port`. Nginx' configuration needs the same
  /// list in the same order. Empty: no cache.
  std::vector<std::string> servers{"127.0.0.1:11211"};
  std::size_t connections_max{16};  // per server, for each of look-ups, fills and deletes: 1…1000
  std::chrono::milliseconds connect_timeout{100};  // 1 ms…10 s
  std::chrono::milliseconds answer_timeout{100};   // 1 ms…10 s
  /// Reads do not use a server for this time after a failure: 0…60 s.
  std::chrono::milliseconds rest_after_failure{500};
  std::chrono::seconds entry_ttl{3600};  // 1 s…30 days; bounds memory, not staleness
  std::chrono::seconds lease_ttl{5};     // 1 s…60 s; a crashed filler blocks others for this time
};

/// Returns: one sentence for each setting outside its range, with name, value and rule.
std::vector<std::string> problems(const MemcachedOptions& options);

}  // namespace codasync::cache
