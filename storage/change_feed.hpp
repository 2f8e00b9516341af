#pragma once

#include <cstdint>
#include <vector>

#include "storage/model/catalogue.hpp"
#include "storage/model/reading.hpp"

// The change feed of a shop (storage/README.md, "The change feed").

namespace codasync::storage {

/// The number of a transaction (xid8).
using TransactionNumber = std::uint64_t;

/// How far the feed can be read: all transactions below `horizon` have ended; `newest` is the first
/// number that was not given to a transaction yet.
struct FeedHorizon {
  TransactionNumber horizon;
  TransactionNumber newest;
};

/// A position in the feed of a shop.
struct FeedCursor {
  enum class Phase {
    snapshot,  // inside the list of all readings: those with ids above `reading` are still missing
    changes,   // after the change of `reading` by `transaction`
  };
  std::uint64_t epoch;  // of the database's history: FeedPage::epoch
  ShopId shop;
  Phase phase;
  TransactionNumber transaction;  // in a snapshot: where the changes continue after it
  ReadingId reading;
};

/// A reading of the feed as it is now. `removed`: it is not present; only identity and versions are
/// valid.
struct FeedReading {
  Reading reading;
  bool removed;
};

struct FeedPage {
  /// Identifies the database and its timeline. It changes with a failover and with a restore: what
  /// was read before may be lost.
  std::uint64_t epoch;
  Shop shop;
  std::vector<FeedReading> readings;  // each one once
  FeedCursor next;
  bool more;  // the next page can be read at once
  FeedHorizon horizon;
};

/// A reading of the feed with the transaction that changed it.
struct PlacedReading {
  TransactionNumber transaction;
  FeedReading change;
};

/// What follows a position in the feed.
struct FeedContinuation {
  std::vector<PlacedReading> changes;  // in the order of the feed; each reading once, at its last
                                       // change of these
  FeedCursor next;
  bool more;           // further changes can be read at once
  bool shop_exists;    // false: it was removed, and there will be no more changes
  bool resync_needed;  // FeedRefusal::resync_required; `next` is the position now
};

/// What follows several positions, read at one moment. `each`: in their order.
struct FeedRound {
  FeedHorizon horizon;
  std::vector<FeedContinuation> each;
};

/// Why there is no page.
enum class FeedRefusal {
  unknown_shop,
  /// The cursor is of another epoch or of another shop, or the changes after it are deleted: the
  /// client starts again without a cursor.
  resync_required,
};

}  // namespace codasync::storage
