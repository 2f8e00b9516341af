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
#include "storage/options.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/stock_ledger.hpp"

// One transaction that applies many operations. Design: storage/README.md; caller: combiner.hpp.

namespace codasync::storage {

/// An accepted operation.
struct QueuedOperation {
  StockOperation operation;
  std::chrono::steady_clock::time_point accepted;
  std::function<void(StockResult)> done;
};

using Batch = std::vector<QueuedOperation*>;  // in order of arrival; not owned

/// The result of each operation, in the order of the batch.
struct BatchResult {
  /// The operation was not decided.
  enum class Deferred {
    writes_product,  // it needs a transaction of its own, run_with_product(), or comes after such
                     // an operation on the same reading
    later,           // the transaction has used up its reads of the ledger; the next one continues
  };
  using Each = std::variant<StockResult, Deferred>;
  std::vector<Each> results;
  LedgerObserver::Batch timing;
};

/// A row that a transaction writes: it exists if and only if the transaction committed.
struct Witness {
  Lock lock;  // held by the transaction until its end, in any mode
  struct LedgerRow {
    ReadingId reading;
    Instant observed_at;
    EventId event;
  };
  using KeyName = Uuid;  // of a stored response
  std::variant<LedgerRow, KeyName> row;
};

/// The connection was lost at COMMIT: `result_if_committed` is valid if resolve_doubt() finds the
/// witness.
struct BatchInDoubt {
  BatchResult result_if_committed;
  Witness witness;
  std::string log_detail;
};

/// How a transaction ends. `rehearse`: everything is decided, then it is rolled back: the results
/// are those of a write, and the database, its sequences and the cache do not change. The ids of
/// new readings are 0.
enum class WriteMode { commit, rehearse };

/// How a batch is decided and ended; see CombinerOptions for `staff_void_time`.
struct BatchOptions {
  WriteMode mode{WriteMode::commit};
  std::chrono::seconds staff_void_time{CombinerOptions{}.staff_void_time};
};

/// Applies all operations in one transaction: locks, context, rows FOR UPDATE, fold in order of
/// arrival, acknowledged deletion of the changed cache entries, one write statement, COMMIT.
/// Throws: like WriteTransaction, and Unavailable of the cache: nothing was changed. BatchInDoubt.
BatchResult run_batch(postgres::Connection& connection, Invalidation& invalidation,
                      const Batch& batch, const BatchOptions& options = {});

/// The same for one operation that creates or renames its product.
BatchResult run_with_product(postgres::Connection& connection, Invalidation& invalidation,
                             QueuedOperation& operation, const BatchOptions& options = {});

/// Waits until a transaction in doubt has ended, and looks for its witness. Returns: whether the
/// transaction committed. Throws: like WriteTransaction.
bool resolve_doubt(postgres::Connection& connection, const Witness& witness);

}  // namespace codasync::storage
