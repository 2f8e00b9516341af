#pragma once

#include <functional>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/ledger_observer.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/stock_ledger.hpp"

// One transaction that folds many operations. storage/README.md has the design, combiner.hpp who
// calls it.

namespace codasync::storage {

/// An operation on its way. The event's id is made when it is accepted and stays the same in every
/// attempt, so the ledger can tell afterwards whether an attempt took effect.
struct QueuedOperation {
  StockOperation operation;
  EventId event;
  std::chrono::steady_clock::time_point accepted;
  std::function<void(StockResult)> done;
};

using Batch = std::vector<QueuedOperation*>;  // in order of arrival; not owned

/// What became of each operation, in the batch's order.
struct BatchResult {
  /// Nothing: the operation writes a product as well and wants a transaction of its own,
  /// run_with_product(), or came after such a one of the same reading.
  std::vector<std::optional<StockResult>> results;
  LedgerObserver::Batch timing;
};

/// COMMIT was sent and the connection lost: `would_be` holds if resolve_doubt() finds the events in
/// the ledger.
struct BatchInDoubt {
  BatchResult would_be;
  std::string log_detail;
};

/// Decides all operations in one transaction: locks, context, rows FOR UPDATE, fold in order of
/// arrival, cache entries of what changed deleted with acknowledgement, one multi-row write,
/// COMMIT. Throws: like WriteTransaction, and Unavailable of the cache; nothing was changed then.
/// BatchInDoubt.
BatchResult run_batch(postgres::Connection& connection, Invalidation& invalidation,
                      const Batch& batch);

/// The same for one operation that creates or renames its product.
BatchResult run_with_product(postgres::Connection& connection, Invalidation& invalidation,
                             QueuedOperation& operation);

/// Waits for a transaction whose COMMIT is in doubt, and looks.
/// Returns: whether it took effect. Throws: like WriteTransaction.
bool resolve_doubt(postgres::Connection& connection, const Batch& batch);

}  // namespace codasync::storage
