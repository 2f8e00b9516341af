#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "storage/mutex.hpp"
#include "storage/reader.hpp"

namespace codasync::api {

/// A bounded map in this process. When it is full, the entry that was not used for the longest time
/// is evicted. For facts that cannot go out of date, or that are checked again where it matters.
/// Threads: safe concurrently.
template <class Key, class Value, class Hash = std::hash<Key>>
class LruCache {
 public:
  explicit LruCache(std::size_t entries_max = 100'000) : entries_max_{entries_max} {}

  [[nodiscard]] std::optional<Value> find(const Key& key) {
    const MutexLock hold{mutex_};
    const auto found = places_.find(key);
    if (found == places_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->second;
  }

  void store(const Key& key, Value value) {
    const MutexLock hold{mutex_};
    if (const auto found = places_.find(key); found != places_.end()) {
      found->second->second = std::move(value);
      entries_.splice(entries_.begin(), entries_, found->second);
      return;
    }
    if (entries_.size() >= entries_max_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    places_.emplace(key, entries_.begin());
  }

  void remove(const Key& key) {
    const MutexLock hold{mutex_};
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    entries_.erase(found->second);
    places_.erase(found);
  }

  void clear() {
    const MutexLock hold{mutex_};
    places_.clear();
    entries_.clear();
  }

 private:
  using Entries = std::list<std::pair<Key, Value>>;

  const std::size_t entries_max_;
  Mutex mutex_;
  Entries entries_ CODASYNC_GUARDED_BY(mutex_);  // the newest use first
  std::unordered_map<Key, typename Entries::iterator, Hash> places_ CODASYNC_GUARDED_BY(mutex_);
};

/// A SHA-256 is its own hash.
struct TokenHashHash {
  std::size_t operator()(const storage::TokenHash& hash) const noexcept {
    std::size_t out{};
    std::memcpy(&out, hash.data(), sizeof out);
    return out;
  }
};

/// Tokens that were valid when they were read. Only for writes: their transaction checks the token
/// again, so a revoked one changes nothing.
using TokenCache = LruCache<storage::TokenHash, storage::Token, TokenHashHash>;

/// The shop and product of each reading. They never change for an id of one history of the
/// database; a handler compares them with the row (ReadOne).
using ReadingKeyCache = LruCache<ReadingId, storage::ReadingKey>;

}  // namespace codasync::api
