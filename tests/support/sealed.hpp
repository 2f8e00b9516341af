#pragma once

#include <cstdint>
#include <string>

#include "cache/entry_seal.hpp"

namespace codasync::test {

/// An expiry of entries in the year 2100.
inline constexpr std::uint32_t kLateExpiry = 4'102'444'800;

/// Returns: the command that stores these bytes under a key, whatever they are.
inline std::string store_bytes(const std::string& key, const std::string& bytes) {
  return "set " + key + " " + std::to_string(kLateExpiry) + " 0 " + std::to_string(bytes.size()) +
         "\r\n" + bytes;
}

/// Returns: the command that stores an entry with this content, as a process with these options
/// does. Requires: `content` is not empty.
inline std::string store_sealed(const std::string& key, const std::string& content,
                                const cache::MemcachedOptions& options = {}) {
  return store_bytes(key, cache::EntrySeal{options}.close({key}, kLateExpiry, content));
}

}  // namespace codasync::test
