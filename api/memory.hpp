#pragma once

#include <cstddef>
#include <cstring>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "storage/reader.hpp"

namespace codasync::api {

/// A bounded map in this process for facts that cannot go out of date, or that are checked again
/// where it matters. Ids are unique in one history of the database only, so it is cleared when
/// another one begins. When it is full it is cleared too: simpler than an order of use, and as good
/// for facts that are cheap to look up. Threads: safe concurrently.
template <class Key, class Value, class Hash = std::hash<Key>>
class Memory {
 public:
  explicit Memory(std::size_t entries_max = 100'000) : entries_max_{entries_max} {}

  [[nodiscard]] std::optional<Value> find(const Key& key) const {
    const std::scoped_lock hold{mutex_};
    const auto found = entries_.find(key);
    return found == entries_.end() ? std::nullopt : std::optional{found->second};
  }

  void remember(const Key& key, Value value) {
    const std::scoped_lock hold{mutex_};
    if (entries_.size() >= entries_max_) entries_.clear();
    entries_.insert_or_assign(key, std::move(value));
  }

  void forget(const Key& key) {
    const std::scoped_lock hold{mutex_};
    entries_.erase(key);
  }

  void clear() {
    const std::scoped_lock hold{mutex_};
    entries_.clear();
  }

 private:
  const std::size_t entries_max_;
  mutable std::mutex mutex_;  // guards entries_
  std::unordered_map<Key, Value, Hash> entries_;
};

/// A SHA-256 is its own hash.
struct TokenHashHash {
  std::size_t operator()(const storage::TokenHash& hash) const noexcept {
    std::size_t out{};
    std::memcpy(&out, hash.data(), sizeof out);
    return out;
  }
};

/// Tokens that were valid once. Only for writes, whose transaction asks again: a revoked one does
/// nothing.
using TokenMemory = Memory<storage::TokenHash, storage::Token, TokenHashHash>;

/// What each reading is about. Whoever uses it compares with the row (readings::StaleKey).
using ReadingKeyMemory = Memory<ReadingId, storage::ReadingKey>;

}  // namespace codasync::api
