#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace codasync::cache {

/// Which Memcached servers to use and how long to wait for them. Fixed after the start;
/// config/settings/table.cpp has the ranges.
struct MemcachedOptions {
  /// The slots, in order: `unix:/path` or `host:port`. Nginx' configuration needs the same
  /// list in the same order. Empty: no cache.
  std::vector<std::string> servers{"127.0.0.1:11211"};
  /// The keys of this installation (entry_seal.hpp), 32 hexadecimal digits on each line: the first
  /// one for new entries, each for reading. Nginx needs the same file. Empty: a key that everyone
  /// has, which shows damage only.
  std::string key_file;
  /// Every read needs a token. Entries that are stored then are not valid for Nginx, which does not
  /// check tokens.
  bool private_reads{false};
  std::size_t connections_max{16};  // per server, for each of look-ups, fills, pages and deletions
  std::chrono::milliseconds connect_timeout{100};
  std::chrono::milliseconds answer_timeout{100};
  /// Reads do not use a server for this time after a failure.
  std::chrono::milliseconds rest_after_failure{500};
  std::chrono::seconds entry_ttl{3600};  // bounds memory, not staleness
  std::chrono::seconds lease_ttl{5};     // a crashed filler blocks others for this time
};

/// Returns: a text for each server that is not an address, has a login, or is listed twice.
std::vector<std::string> problems_of_servers(const std::vector<std::string>& servers);

/// Returns: why this is not a file of keys, as the end of a sentence that begins with its name;
/// nothing for a right one. It contains no part of the file.
std::optional<std::string> problem_of_key_file(const std::string& path);

}  // namespace codasync::cache
