#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/idempotency.hpp"
#include "storage/model/reading.hpp"
#include "storage/token.hpp"

namespace codasync::storage {

/// What a write found and did.
struct Written {
  EventOutcome outcome;
  bool created;  // the reading is new, or back
  bool present;  // false: there is no such reading now; `reading` is its last state
  Reading reading;
  bool voided{false};  // of a duplicate: it was taken back
};

/// The operation was refused, and nothing was changed.
struct Refused {
  enum class Why {
    other_shop,  // the token is for other shops
    unknown_shop,
    unknown_product,      // and no name was given to create it
    not_found,            // no such reading, or removed
    below_zero,           // the adjustment takes more than is there
    above_max,            // the adjustment exceeds kQuantityMax
    never_counted,        // there is no quantity to adjust
    precondition_failed,  // If-Match names another version
    rename_forbidden,     // another product name, and the writer is no admin
    unknown_event,        // the reading has no such event
    event_not_voidable,   // a void cannot be voided
    too_old,              // observed before the floor of the ledger
    moment_is_full,       // kMomentMax events have exactly this moment already
    id_reused,            // the ledger has another operation of this name
    key_reused,           // the idempotency key stands for another request
    token_revoked,
  };
  Why why;
  std::optional<Reading> reading{};       // its current state, where there is one
  std::optional<Instant> ledger_floor{};  // of too_old
};

/// No answer could be had.
struct Failed {
  enum class Kind {
    unavailable,  // nothing was changed; the client may try again
    in_doubt,     // whether it took effect is not known; repeating its idempotency key finds out
    bug,          // nothing was changed, and trying again does not help
  };
  std::string dependency;  // see Unavailable
  std::string log_detail;
  Kind kind{Kind::unavailable};
};

/// Versions that a conditional write accepts. Empty list: any existing reading (`If-Match: *`).
struct ReadingPrecondition {
  struct Version {
    std::int64_t reading;
    std::optional<std::int64_t> product;  // nothing: any
  };
  std::vector<Version> any_of;
};

/// One write, as a client asked for it. With `observed_at` it reports what happened, and is never
/// refused because of the state; without, it asks for something now.
struct StockOperation {
  ShopId shop;
  Gtin gtin;
  std::optional<ReadingId> reading{};  // the one that the client named, where it did
  bool may_create{false};  // records what is not there yet; otherwise an absent reading is refused
  std::optional<EventKind> kind{EventKind::sighting};  // nothing: it only renames the product
  std::optional<ShelfDate> date{};
  std::optional<std::int64_t> quantity{};
  std::int64_t delta{0};
  std::optional<EventId> voids{};
  std::optional<std::string> reason{};
  std::optional<Instant> observed_at{};  // nothing: at its arrival
  bool echoes{false};  // an observed_at that is the row's own is what the client read: it means now
  std::optional<Uuid> name{};                 // storage/operation_name.hpp; nothing: it has none
  std::optional<std::string> product_name{};  // creates the product or, from an admin, renames it
  std::optional<ReadingPrecondition> if_match{};
  std::optional<IdempotencyKey> idempotency_key{};
  Token actor;

  /// Writes down what the client of a write with a key is told. Pure: it runs inside the
  /// transaction. Requires: set when there is a key.
  std::function<std::string(const Written&)> keep{};
};

using StockResult = std::variant<Written, KeptText, Refused, Failed>;

/// The locked write path of stock readings. Operations on one reading are folded together: one
/// transaction holds the row lock, decides all of them in order of arrival and commits, and then
/// each is answered (storage/README.md). Threads: submit() is safe anywhere and never blocks;
/// destroying the ledger finishes what was accepted.
class StockLedger {
 public:
  virtual ~StockLedger() = default;

  /// Accepts the operation, or refuses at once when the queue is full.
  /// `done` is called exactly once, after COMMIT, on a thread of the ledger (or on the caller's
  /// when the queue is full); it must not block or throw.
  virtual void submit(StockOperation operation, std::function<void(StockResult)> done) = 0;
};

}  // namespace codasync::storage
