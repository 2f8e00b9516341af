#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"

namespace codasync::storage {

struct ChangedReading {
  ReadingId id;
  ShopId shop;
  Gtin gtin;
};

/// What a transaction changes, in terms of the domain. The cache derives its entries from this.
struct Changes {
  std::vector<ChangedReading> readings{};  // the row, or whether it has expired, changed
  std::vector<ChangedReading> renamed{};   // readings of `products`, which show their names
  std::vector<Gtin> products{};            // product rows
  std::vector<ShopId> shops{};             // shop rows
  /// Shops with changed lists of readings: their rows, their names, or the shop was deleted.
  std::vector<ShopId> shop_lists{};
  bool catalogue{false};  // lists of products
  bool all_shops{false};  // lists of shops

  [[nodiscard]] bool empty() const noexcept {
    return readings.empty() && renamed.empty() && products.empty() && shops.empty() &&
           shop_lists.empty() && !catalogue && !all_shops;
  }
};

/// State of the Memcached slots as a transaction sees it under slots_lock(). Index: slot.
enum class SlotState : std::uint8_t {
  up,       // in use: writers delete from it
  waiting,  // unavailable, and its entries may still be read: writers of its keys fail
  down,     // no client can read its entries any more: writers continue without it
};
using SlotStates = std::vector<SlotState>;

/// Deletes cache entries. storage/ calls it in every writing transaction before COMMIT; the
/// commands of the program pass the implementation of cache/. Threads: all calls are safe
/// concurrently.
class Invalidation {
 public:
  virtual ~Invalidation() = default;

  /// Deletions that were sent.
  class Pending {
   public:
    virtual ~Pending() = default;

    /// Waits a bounded time until every deletion is acknowledged. Throws: Unavailable when one is
    /// not: the transaction must not commit.
    virtual void acknowledge() = 0;
  };

  /// Sends the deletions of every entry that shows a change, without waiting. Requires: the
  /// transaction holds the locks of the changes. Throws: Unavailable when the slot of an entry is
  /// `waiting` or its server cannot be reached.
  virtual std::unique_ptr<Pending> begin(const Changes& changes, const SlotStates& slots) = 0;

  /// Returns: number of slots in the configuration.
  [[nodiscard]] virtual std::size_t slot_count() const noexcept = 0;
};

}  // namespace codasync::storage
