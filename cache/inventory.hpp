#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "cache/key.hpp"
#include "cache/options.hpp"

namespace codasync::cache {

/// What the Memcached servers hold, for who wants to check all of it. Every call throws:
/// Unavailable. Threads: one.
class Inventory {
 public:
  /// Requires: problems(options) is empty.
  explicit Inventory(const MemcachedOptions& options) : options_{options} {}

  /// Calls `found` with the name of each entry in a slot, while they are listed: Memcached waits
  /// for a slow caller, and what is stored or forgotten meanwhile may be missing.
  void for_each_key(std::size_t slot, const std::function<void(const Key&)>& found) const;

  /// Returns: the bytes of an entry that readers would believe; nothing when there is none.
  [[nodiscard]] std::optional<std::string> read(std::size_t slot, const Key& key) const;

  /// Deletes an entry. Returns once that is acknowledged.
  void remove(std::size_t slot, const Key& key) const;

 private:
  const MemcachedOptions options_;
};

}  // namespace codasync::cache
