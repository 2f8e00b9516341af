#pragma once

#include <atomic>
#include <functional>

#include "api/executor.hpp"
#include "api/memory.hpp"
#include "api/observability/log.hpp"
#include "api/observability/metrics.hpp"
#include "api/options.hpp"
#include "cache/cache.hpp"
#include "storage/catalogue_store.hpp"
#include "storage/database.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::api {

/// Everything that answering a request may need. The main function fills it in; it outlives the
/// server.
struct Service {
  const ApiOptions& options;
  storage::Database& database;
  storage::StockLedger& ledger;
  storage::CatalogueStore& catalogue;
  storage::TokenStore& token_store;
  cache::Cache& cache;
  Executor& executor;
  Metrics& metrics;
  Log& log;
  TokenMemory tokens{};
  ReadingKeyMemory reading_keys{};
  std::function<bool()> started{[] { return true; }};  // readiness waits for it
  std::atomic<bool> draining{false};                   // readiness fails from here on
};

}  // namespace codasync::api
