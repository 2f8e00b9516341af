#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/ledger_observer.hpp"
#include "storage/locks.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/stock_ledger.hpp"

// One transaction that folds many operations. storage/README.md has the design, combiner.hpp the
// caller.

namespace codasync::storage {

/// An operation on its way.
struct QueuedOperation {
  StockOperation operation;
  std::chrono::steady_clock::time_point accepted;
  std::function<void(StockResult)> done;
};

using Batch = std::vector<QueuedOperation*>;  // in order of arrival; not owned

/// What became of each operation, in the batch's order.
struct BatchResult {
  /// It was not decided.
  enum class Left {
    writes_product,  // it wants a transaction of its own, run_with_product(), or comes after such
                     // an operation of the same reading
    later,           // this transaction has read enough of the ledger; the next one goes on
  };
  using Each = std::variant<StockResult, Left>;
  std::vector<Each> results;
  LedgerObserver::Batch timing;
};

/// A row that a transaction wrote: it is there if and only if the transaction committed.
struct Witness {
  Lock lock;  // held by the transaction until it has ended, in either mode
  struct LedgerRow {
    ReadingId reading;
    Instant observed_at;
    EventId event;
  };
  using KeyName = Uuid;  // of a kept answer
  std::variant<LedgerRow, KeyName> row;
};

/// COMMIT was sent and the connection lost: `would_be` holds if resolve_doubt() finds the witness.
struct BatchInDoubt {
  BatchResult would_be;
  Witness witness;
  std::string log_detail;
};

/// Decides all operations in one transaction: locks, context, rows FOR UPDATE, fold in order of
/// arrival, cache entries of what changed deleted with acknowledgement, one write, COMMIT.
/// Throws: like WriteTransaction, and Unavailable of the cache; nothing was changed then.
/// BatchInDoubt.
BatchResult run_batch(postgres::Connection& connection, Invalidation& invalidation,
                      const Batch& batch);

/// The same for one operation that creates or renames its product.
BatchResult run_with_product(postgres::Connection& connection, Invalidation& invalidation,
                             QueuedOperation& operation);

/// Waits for a transaction whose COMMIT is in doubt, and looks for its witness.
/// Returns: whether it took effect. Throws: like WriteTransaction.
bool resolve_doubt(postgres::Connection& connection, const Witness& witness);

}  // namespace codasync::storage
