#pragma once

#include <memory>

#include "cache/make_cache.hpp"
#include "config/settings/settings.hpp"
#include "storage/ledger/combiner.hpp"
#include "storage/make_storage.hpp"

namespace codasync::api::cli {

/// The write paths of the service, with its invalidation: a command's writes delete the entries of
/// running services' caches.
class Writers {
 public:
  explicit Writers(const config::Settings& settings)
      : invalidation_{cache::make_invalidation(settings.memcached, cache_observer_)},
        ledger_{storage::make_combiner(settings.postgres, settings.combiner, *invalidation_,
                                       ledger_observer_)},
        catalogue_{storage::make_catalogue_store(settings.postgres, *invalidation_, *ledger_)} {}

  [[nodiscard]] storage::StockLedger& ledger() { return *ledger_; }
  [[nodiscard]] storage::CatalogueStore& catalogue() { return *catalogue_; }

 private:
  cache::Observer cache_observer_;
  storage::LedgerObserver ledger_observer_;
  std::unique_ptr<storage::Invalidation> invalidation_;
  std::unique_ptr<storage::StockLedger> ledger_;
  std::unique_ptr<storage::CatalogueStore> catalogue_;
};

/// Returns: the actor of writes from the command line.
inline storage::Token command_line() {
  return {.id = storage::kOperator,
          .name = "command line",
          .role = storage::Role::admin,
          .shops = {},
          .created_at = now(),
          .expires_at = std::nullopt};
}

}  // namespace codasync::api::cli
