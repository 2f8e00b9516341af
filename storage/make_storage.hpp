#pragma once

#include <memory>

#include "storage/catalogue_store.hpp"
#include "storage/database.hpp"
#include "storage/invalidation.hpp"
#include "storage/options.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::storage {

// What main() needs to wire the storage, without any of its libraries. No connection is opened
// before the first use. Requires, for all: problems(options) is empty. What is passed by reference
// must outlive the result.

std::unique_ptr<Database> make_database(const PostgresOptions& options);

std::unique_ptr<CatalogueStore> make_catalogue_store(const PostgresOptions& options,
                                                     Invalidation& invalidation,
                                                     StockLedger& ledger);

std::unique_ptr<TokenStore> make_token_store(const PostgresOptions& options);

}  // namespace codasync::storage
