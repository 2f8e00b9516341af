#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "cache/options.hpp"

namespace codasync::cache {

/// Queries one server, on a new connection, within connect_timeout and answer_timeout.
/// Requires: the options are valid. Returns: its version, as 1.6.18. Throws: Unavailable.
/// Threads: safe concurrently.
std::string server_version(const MemcachedOptions& options, std::size_t slot);

/// Options of a server with which the cache does not work, as `stats settings` shows them.
struct ServerSettings {
  bool cas{true};      // false: -C; fills need check-and-set
  bool evicts{true};   // false: -M; a full server refuses new entries
  bool flushes{true};  // false: -F; a slot is emptied with flush_all before its first use
};

/// As server_version(). An option that the server does not show has its default.
ServerSettings server_settings(const MemcachedOptions& options, std::size_t slot);

/// Counters of a server.
struct ServerStatistics {
  std::uint64_t uptime_seconds;
  std::uint64_t connections;
  std::uint64_t items;
  std::uint64_t bytes;
  std::uint64_t bytes_max;
  std::uint64_t hits;
  std::uint64_t misses;
  std::uint64_t evictions;
};

/// As server_version(). Returns: nothing without a response.
std::optional<ServerStatistics> server_statistics(const MemcachedOptions& options,
                                                  std::size_t slot);

}  // namespace codasync::cache
