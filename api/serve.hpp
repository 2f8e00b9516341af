#pragma once

#include <functional>
#include <memory>

#include "config/settings/settings.hpp"
#include "storage/invalidation.hpp"
#include "storage/ledger_observer.hpp"
#include "storage/options.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::api {

using MakeLedger = std::function<std::unique_ptr<storage::StockLedger>(
    const storage::PostgresOptions&, const storage::CombinerOptions&, storage::Invalidation&,
    storage::LedgerObserver&)>;

/// Reads the settings again.
using Load = std::function<config::Loaded()>;

/// Runs the service until SIGTERM or SIGINT: then readiness fails, what is in flight is finished
/// within `api.shutdown_grace`, and it returns. SIGHUP takes `log.level` from `load`. Returns: 0
/// after a complete drain, 1 when some requests have no response. Throws: std::system_error when a
/// socket cannot be bound. Requires: the settings have no problems. Call it from the main thread
/// before any other thread exists: it blocks the three signals. `make_ledger`: the combiner, or
/// what a benchmark compares with it.
int serve(const config::Settings& settings, const MakeLedger& make_ledger, const Load& load);

}  // namespace codasync::api
