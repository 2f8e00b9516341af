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

/// What a reading said before a write.
struct EarlierState {
  std::optional<ShelfDate> date;
  std::optional<std::int64_t> quantity;
};

/// The result of an accepted write.
struct Written {
  EventOutcome outcome;
  bool created;  // the reading is new, or present again
  bool present;  // false: the reading is absent now; `reading` is its last state
  Reading reading;
  bool voided{false};                    // of a duplicate: its event was voided
  std::optional<EarlierState> before{};  // nullopt: the reading was absent
};

/// The operation was refused; nothing was changed.
struct Refused {
  enum class Why {
    other_shop,  // the token is not for this shop
    unknown_shop,
    unknown_product,      // and the operation has no name to create it
    product_deleted,      // an admin deleted it, and the writer is not an admin
    not_found,            // the reading does not exist or was removed
    identity_is_fixed,    // the body has the id of another reading
    below_zero,           // the adjustment would make the quantity negative
    above_max,            // the adjustment exceeds kQuantityMax
    never_counted,        // the reading has no quantity to adjust
    precondition_failed,  // If-Match has another version
    rename_forbidden,     // another product name, and the writer is not an admin
    unknown_event,        // the target of the void does not exist
    event_not_voidable,   // a void cannot be voided
    event_of_another,     // staff void only events of their own token
    void_too_late,        // and only within CombinerOptions::staff_void_time
    too_old,              // observed before the floor of the ledger
    moment_is_full,       // kMomentMax events have exactly this observed_at already
    id_reused,            // the ledger has another operation with this name
    key_reused,           // the idempotency key belongs to another request
    token_revoked,
  };
  Why why;
  std::optional<Reading> reading{};       // its current state, if it is present
  std::optional<Instant> ledger_floor{};  // with too_old
};

/// The operation failed.
struct Failed {
  enum class Kind {
    unavailable,  // nothing was changed; the client may try again
    in_doubt,     // the result of COMMIT is not known; repeat the request with its idempotency key
    bug,          // nothing was changed; trying again does not help
  };
  std::string dependency;  // see Unavailable
  std::string log_detail;
  Kind kind{Kind::unavailable};
};

/// Versions that a conditional write accepts. Empty list: any existing reading (`If-Match: *`).
struct ReadingPrecondition {
  struct Version {
    std::int64_t reading;
    std::optional<std::int64_t> product;  // nullopt: any
  };
  std::vector<Version> any_of;
};

/// The observed_at of a report of what happens as it arrives.
inline constexpr Instant kOnArrival = Instant::max();

/// One write of a client. With `observed_at` it reports what happened, and is never refused because
/// of the reading's state; without it, it is a request for now.
struct StockOperation {
  ShopId shop;
  Gtin gtin;
  std::optional<ReadingId> reading{};  // `not_found` when the reading has another id
  std::optional<ReadingId> sent_id{};  // in the body: `identity_is_fixed` for another id
  bool addressed{false};   // sent to the reading's own address: `not_found` where it never existed
  bool may_create{false};  // creates an absent reading; otherwise it is refused
  std::optional<EventKind> kind{EventKind::sighting};  // nullopt: it only renames the product
  std::optional<ShelfDate> date{};
  std::optional<std::int64_t> quantity{};
  std::int64_t delta{0};
  std::optional<EventId> voids{};
  bool awaits_target{false};  // a void whose target is not known yet is accepted and waits for it
  bool voids_own{false};      // the client named the target as an operation of its own device
  std::optional<std::string> reason{};
  std::optional<Instant> observed_at{};  // nullopt: at its arrival
  /// The client sends back a reading that it read: an observed_at that is still the row's is no new
  /// observation, and counts as absent.
  bool echoes{false};
  std::optional<Uuid> name{};                 // storage/operation_name.hpp; nullopt: no name
  std::optional<std::string> product_name{};  // creates the product or, from an admin, renames it
  std::optional<ReadingPrecondition> if_match{};
  std::optional<IdempotencyKey> idempotency_key{};
  Token actor;

  /// Encodes the response to a write with a key. Pure: it runs inside the transaction. Requires:
  /// set when the operation has a key.
  std::function<std::string(const Written&)> encode_response{};
};

using StockResult = std::variant<Written, StoredResponse, Refused, Failed>;

/// The locked write path of stock readings. Concurrent operations are combined: one transaction
/// holds the row locks, decides all operations in order of arrival and commits; then each client
/// gets its result (storage/README.md). Threads: submit() is safe on any thread and never blocks;
/// the destructor completes all accepted operations.
class StockLedger {
 public:
  virtual ~StockLedger() = default;

  /// Queues the operation. `done` is called exactly once: after COMMIT on a thread of the ledger,
  /// or at once on the caller's thread when the queue is full. It must not block or throw.
  virtual void submit(StockOperation operation, std::function<void(StockResult)> done) = 0;
};

}  // namespace codasync::storage
