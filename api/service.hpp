#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>

#include "api/change_streams.hpp"
#include "api/executor.hpp"
#include "api/gathering.hpp"
#include "api/lru_cache.hpp"
#include "api/observability/activity.hpp"
#include "api/observability/feed_lag.hpp"
#include "api/observability/log.hpp"
#include "api/observability/metrics.hpp"
#include "api/observability/slot_log.hpp"
#include "api/openapi/document.hpp"
#include "api/options.hpp"
#include "api/places.hpp"
#include "api/token_uses.hpp"
#include "cache/admission.hpp"
#include "cache/cache.hpp"
#include "storage/catalogue_store.hpp"
#include "storage/database.hpp"
#include "storage/export.hpp"
#include "storage/import_trail.hpp"
#include "storage/sessions.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::api {

class Exchange;  // one request and its response (exchange/exchange.hpp)

struct Route;

/// What imports use besides the ledger and the catalogue, made for each of them.
struct ImportParts {
  std::function<std::unique_ptr<storage::StockLedger>()> make_rehearsal;  // for a dry run
  std::function<std::unique_ptr<storage::ImportTrail>()> make_trail;
  std::size_t lane_queue_max;  // of the ledger
};

using Misses = Gathering<std::shared_ptr<Exchange>>;

/// Reads of single resources that missed the cache: for each route by itself, so that a slow table
/// delays no reads of others.
using MissesOfRoutes = std::map<const Route*, Misses>;

/// Returns: the misses of each route with ReadOne. The executor's other threads stay free.
MissesOfRoutes make_misses(const ExecutorOptions& options);

/// Everything that answering a request may need. serve() makes it (cli/serve.cpp); it
/// outlives the server.
struct Service {
  const ApiOptions& options;
  storage::Database& database;          // of reads
  storage::Database& look_up_database;  // of the executor's thread for look-ups
  storage::Database& control_database;  // of `control`
  storage::StockLedger& ledger;
  storage::CatalogueStore& catalogue;
  storage::TokenStore& token_store;
  storage::Sessions& sessions;
  cache::Cache& cache;
  Executor& executor;
  Executor& control;  // of operators' requests: readiness, metrics
  Metrics& metrics;
  Log& log;
  const SlotLog& slot_log;  // readiness waits for the first check of the slots
  FeedLag& feed_lag;
  ChangeStreams& streams;
  storage::Exports& exports;
  Executor& export_threads;  // each sends one export
  Activity& activity;
  TokenUses& token_uses;
  const ImportParts& imports;
  Executor& import_threads;  // each runs one import
  const Response description{openapi::describe(options.public_reads)};
  MissesOfRoutes misses{make_misses(executor.options())};
  cache::Admission admission{};
  TokenCache tokens{};
  ReadingKeyCache reading_keys{};
  Places export_places{options.exports_max};
  Places import_places{options.imports_max};
  std::atomic<bool> schema_fits{false};  // the database was migrated for this program
  std::atomic<bool> draining{false};     // readiness fails from here on
};

}  // namespace codasync::api
