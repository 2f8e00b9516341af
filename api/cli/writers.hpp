#pragma once

#include <chrono>
#include <memory>

#include "cache/make_cache.hpp"
#include "config/settings/settings.hpp"
#include "storage/ledger/combiner.hpp"
#include "storage/make_storage.hpp"

namespace codasync::api::cli {

/// Returns: the options for a command. A row that waits long behind other rows of the same command
/// is not refused.
inline storage::CombinerOptions for_a_command(storage::CombinerOptions options) {
  options.queue_timeout = std::chrono::hours{1};
  return options;
}

/// The write paths of the service, with its invalidation: a command's writes delete the entries of
/// running services' caches.
class Writers {
 public:
  /// `mode`: with `rehearse` the ledger decides and writes nothing.
  enum class Mode { write, rehearse };
  explicit Writers(const config::Settings& settings, Mode mode = Mode::write)
      : invalidation_{cache::make_invalidation(settings.memcached, cache_observer_)},
        ledger_{mode == Mode::write
                    ? storage::make_combiner(settings.postgres, for_a_command(settings.combiner),
                                             *invalidation_, ledger_observer_)
                    : storage::make_rehearsal(settings.postgres, for_a_command(settings.combiner),
                                              *invalidation_, ledger_observer_)},
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

inline constexpr const char* kCommandLine = "command line";

/// Returns: the actor of writes from the command line.
inline storage::Token command_line(std::string name = kCommandLine) {
  return {.id = storage::kOperator,
          .name = std::move(name),
          .role = storage::Role::admin,
          .shops = {},
          .created_at = now(),
          .expires_at = std::nullopt};
}

}  // namespace codasync::api::cli
