#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/answer.hpp"
#include "storage/model/reading.hpp"
#include "storage/token.hpp"

namespace codasync::storage {

/// What a write found and did.
struct Written {
  EventOutcome outcome;
  bool created;  // the reading is new, or back
  bool removed;  // the operation took it away: `reading` is its last state
  Reading reading;
  EventId event;
};

/// The answer is no, and nothing was changed.
struct Refused {
  enum class Why {
    unknown_shop,
    unknown_product,      // and no name was given to create it
    not_found,            // no such reading, or removed
    below_zero,           // the adjustment takes more than is there
    above_max,            // the adjustment exceeds kQuantityMax
    never_counted,        // nothing to adjust
    precondition_failed,  // If-Match names another version
    rename_forbidden,     // another product name, and the writer is no admin
    unknown_event,        // nothing to void
    event_voided,         // it is voided already
    event_not_voidable,   // a void cannot be voided
    key_reused,           // the idempotency key stands for another request
    token_revoked,
  };
  Why why;
  std::optional<Reading> reading;  // its current state, where there is one
};

/// No answer could be had; nothing was changed, except where `in_doubt` says that this is not
/// known.
struct Failed {
  std::string dependency;  // see Unavailable
  std::string log_detail;
  bool in_doubt{false};
};

/// Versions that a conditional write accepts. Empty list: any existing reading (`If-Match: *`).
struct ReadingPrecondition {
  struct Version {
    std::int64_t reading;
    std::int64_t product;
  };
  std::vector<Version> any_of;
};

/// One write, as a client asked for it.
struct StockOperation {
  ShopId shop;
  Gtin gtin;
  bool may_create{
      false};  // POST: records what is not there yet. Otherwise an absent reading is refused
  EventKind kind{EventKind::sighting};
  std::optional<ShelfDate> date{};
  std::optional<std::int64_t> quantity{};
  std::int64_t delta{0};
  std::optional<EventId> voids{};
  std::optional<std::string> reason{};
  std::optional<Instant> observed_at{};       // nothing: at its arrival
  std::optional<std::string> product_name{};  // creates the product or, from an admin, renames it
  std::optional<ReadingPrecondition> if_match{};
  std::optional<IdempotencyKey> idempotency_key{};
  Token actor;

  /// Makes the client's answer. Pure: it runs inside the transaction, on a thread of the ledger.
  std::function<Answer(const Written&)> answer{};
};

using StockResult = std::variant<Answer, Refused, Failed>;

/// The locked write path of stock readings. Operations on one reading are folded together: one
/// transaction holds the row lock, decides all of them in order of arrival, commits, and then
/// everybody is answered (storage/README.md). Threads: submit() is safe anywhere and never blocks;
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
