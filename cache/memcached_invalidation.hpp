#pragma once

#include <memory>
#include <vector>

#include "cache/key.hpp"
#include "cache/observer.hpp"
#include "cache/options.hpp"
#include "cache/pool.hpp"
#include "cache/text_connection.hpp"
#include "storage/invalidation.hpp"

namespace codasync::cache {

/// Returns: every entry that shows something of these changes, each once.
std::vector<Key> keys_of(const storage::Changes& changes);

/// Deletes entries from Memcached, all of a transaction at once, and knows that it has.
class MemcachedInvalidation final : public storage::Invalidation {
 public:
  /// Requires: problems(options) is empty. `observer` must outlive the invalidation and its rounds.
  MemcachedInvalidation(const MemcachedOptions& options, Observer& observer);

  std::unique_ptr<Pending> begin(const storage::Changes& changes,
                                 const storage::SlotStates& slots) override;
  [[nodiscard]] std::size_t slot_count() const noexcept override { return nodes_.size(); }

 private:
  // Fixed after construction; each pool has its own lock.
  const MemcachedOptions options_;
  Observer& observer_;
  std::vector<std::unique_ptr<Pool<TextConnection>>> nodes_;  // by slot
};

}  // namespace codasync::cache
