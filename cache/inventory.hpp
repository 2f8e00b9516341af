#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "cache/entry_seal.hpp"
#include "cache/key.hpp"
#include "cache/options.hpp"

namespace codasync::cache {

/// Lists and reads all entries of the Memcached servers, for a complete check. Every call throws:
/// Unavailable. Threads: one.
class Inventory {
 public:
  /// Resolves the names of the servers. Requires: the options are valid.
  explicit Inventory(const MemcachedOptions& options);

  /// Calls `found` with the key of each entry in a slot, while Memcached lists them. Memcached
  /// waits for a slow caller. Entries that are stored or removed meanwhile may be missing.
  void for_each_key(std::size_t slot, const std::function<void(const Key&)>& found) const;

  /// Returns: the content of an entry that readers would use; nothing when the entry does not
  /// exist; empty without a valid seal.
  [[nodiscard]] std::optional<std::string> read(std::size_t slot, const Key& key) const;

  /// Deletes an entry. Returns once that is acknowledged.
  void remove(std::size_t slot, const Key& key) const;

 private:
  const MemcachedOptions options_;
  const EntrySeal seal_;
};

}  // namespace codasync::cache
