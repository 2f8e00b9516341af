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

/// What a transaction changes, in the words of the domain. The cache knows which entries follow.
struct Changes {
  std::vector<ChangedReading> readings{};  // their rows, or the product's name that they show
  std::vector<Gtin> products{};            // product rows
  std::vector<ShopId> shops{};             // shop rows
  std::vector<ShopId> shop_lists{};  // shops whose lists of readings show other rows or other names
  bool catalogue{false};             // lists of products
  bool all_shops{false};             // lists of shops

  [[nodiscard]] bool empty() const noexcept {
    return readings.empty() && products.empty() && shops.empty() && shop_lists.empty() &&
           !catalogue && !all_shops;
  }
};

/// State of the Memcached slots as a transaction sees it under slots_lock(). Index: slot.
enum class SlotState : std::uint8_t {
  up,       // in use: writers delete from it
  waiting,  // lost, and what it holds may still be read: writers of its keys have to give up
  down,     // nothing that it holds can be read by anybody: writers go on without it
};
using SlotStates = std::vector<SlotState>;

/// Makes the cache forget. The storage calls it in every writing transaction before COMMIT; the
/// program's main function says who answers. Threads: all calls are safe concurrently.
class Invalidation {
 public:
  virtual ~Invalidation() = default;

  /// A round of deletions under way.
  class Pending {
   public:
    virtual ~Pending() = default;

    /// Waits until every deletion is acknowledged, for a bounded time.
    /// Throws: Unavailable when one is not; the transaction must not commit.
    virtual void acknowledge() = 0;
  };

  /// Sends the deletions of every entry that shows what changes, without waiting.
  /// Requires: the transaction holds the locks of the changes.
  /// Throws: Unavailable when a node that is needed is `waiting` or cannot be reached.
  virtual std::unique_ptr<Pending> begin(const Changes& changes, const SlotStates& slots) = 0;

  /// Returns: number of slots in the configuration.
  [[nodiscard]] virtual std::size_t slot_count() const noexcept = 0;
};

}  // namespace codasync::storage
