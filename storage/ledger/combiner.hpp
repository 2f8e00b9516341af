#pragma once

#include <memory>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/ledger_observer.hpp"
#include "storage/options.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::storage {

/// Returns: the ledger with its lanes: a reading belongs to one lane by hash; a lane combines the
/// operations that arrive while it commits (storage/README.md). `invalidation` and `observer`
/// outlive it. No connection is opened before the first operation.
std::unique_ptr<StockLedger> make_combiner(const PostgresOptions& postgres,
                                           const CombinerOptions& options,
                                           Invalidation& invalidation, LedgerObserver& observer);

/// Returns: a ledger that decides each operation on the stored data, as the other one would, and
/// writes nothing. An operation does not see those of earlier batches.
std::unique_ptr<StockLedger> make_rehearsal(const PostgresOptions& postgres,
                                            const CombinerOptions& options,
                                            Invalidation& invalidation, LedgerObserver& observer);

}  // namespace codasync::storage
