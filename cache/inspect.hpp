#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "cache/options.hpp"

namespace codasync::cache {

/// Asks one server, on a connection of its own, within connect_timeout and answer_timeout.
/// Requires: problems(options) is empty. Returns: its version, as 1.6.18. Throws: Unavailable.
std::string server_version(const MemcachedOptions& options, std::size_t slot);

/// What a server says of itself.
struct ServerFigures {
  std::uint64_t uptime_seconds;
  std::uint64_t connections;
  std::uint64_t items;
  std::uint64_t bytes;
  std::uint64_t bytes_max;
  std::uint64_t hits;
  std::uint64_t misses;
  std::uint64_t evictions;
};

/// As server_version(). Returns: nothing when it does not answer.
std::optional<ServerFigures> server_figures(const MemcachedOptions& options, std::size_t slot);

}  // namespace codasync::cache
