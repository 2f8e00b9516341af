#pragma once

#include <memory>

#include "storage/catalogue_store.hpp"
#include "storage/database.hpp"
#include "storage/import_trail.hpp"
#include "storage/invalidation.hpp"
#include "storage/options.hpp"
#include "storage/pool_observer.hpp"
#include "storage/sessions.hpp"
#include "storage/slot_table.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::storage {

// The factories of storage/, without its libraries. No connection is opened before the first use.
// Requires, for all: the options are valid, and arguments passed by reference outlive the
// result. Each result has connections of its own, so that none can starve another.

/// Uses up to connections_max + fill_connections_max connections.
std::unique_ptr<Database> make_database(const PostgresOptions& options,
                                        PoolObserver& observer = no_observer());

/// Uses up to two connections: the catalogue rarely changes.
std::unique_ptr<CatalogueStore> make_catalogue_store(const PostgresOptions& options,
                                                     Invalidation& invalidation,
                                                     StockLedger& ledger,
                                                     PoolObserver& observer = no_observer());

/// With one connection.
std::unique_ptr<TokenStore> make_token_store(const PostgresOptions& options,
                                             PoolObserver& observer = no_observer());

/// With up to two connections.
std::unique_ptr<Sessions> make_sessions(const PostgresOptions& options,
                                        const SessionOptions& limits,
                                        PoolObserver& observer = no_observer());

/// With one connection.
std::unique_ptr<ImportTrail> make_import_trail(const PostgresOptions& options);

/// With one connection.
std::unique_ptr<SlotTable> make_slot_table(const PostgresOptions& options);

}  // namespace codasync::storage
