#pragma once

#include <memory>
#include <vector>

#include "cache/key.hpp"
#include "cache/observer.hpp"
#include "cache/options.hpp"
#include "cache/pool.hpp"
#include "cache/slot_identity.hpp"
#include "cache/text_connection.hpp"
#include "storage/invalidation.hpp"

namespace codasync::cache {

/// Returns: the keys of all entries that contain data of these changes, each once.
std::vector<Key> keys_of(const storage::Changes& changes);

/// Deletes the entries of a transaction from Memcached, all at once, and waits for the replies.
class MemcachedInvalidation final : public storage::Invalidation {
 public:
  /// Requires: the options are valid. `observer` and `identities` must outlive the invalidation and
  /// its rounds. Without `identities` connections are not checked.
  MemcachedInvalidation(const MemcachedOptions& options, Observer& observer,
                        const SlotIdentities* identities = nullptr);

  std::unique_ptr<Pending> begin(const storage::Changes& changes,
                                 const storage::SlotStates& slots) override;
  [[nodiscard]] std::size_t slot_count() const noexcept override { return pools_.size(); }

 private:
  // Fixed after construction; each pool has its own lock.
  const MemcachedOptions options_;
  const EntrySeal seal_;
  Observer& observer_;
  std::vector<std::unique_ptr<Pool<TextConnection>>> pools_;  // by slot
};

}  // namespace codasync::cache
