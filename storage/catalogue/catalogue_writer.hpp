#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "storage/catalogue_store.hpp"
#include "storage/invalidation.hpp"
#include "storage/postgres/kept_answers.hpp"
#include "storage/postgres/pool.hpp"
#include "storage/postgres/write_transaction.hpp"

namespace codasync::storage {

/// What a decision comes to: the answer, and what the cache must not show any more.
struct CatalogueEffect {
  std::string answer{};
  Changes changes{};
};

/// Runs the writes of the catalogue and of tokens: one transaction each, again after a conflict,
/// with the idempotency key, the cache's deletions before COMMIT and the truth about a COMMIT whose
/// connection was lost. Threads: safe concurrently.
class CatalogueWriter {
 public:
  CatalogueWriter(PoolName pool, const PostgresOptions& options, std::size_t connections_max,
                  Invalidation& invalidation, PoolObserver& observer)
      : pool_{pool, options, connections_max, observer},
        patience_{options.statement_timeout},
        invalidation_{invalidation} {}

  using Decision = Outcome<CatalogueEffect, CatalogueRefusal>;
  /// Changes rows under the locks, or refuses. It may run several times; only the last run counts.
  using Decide = std::function<Decision(postgres::WriteTransaction&)>;

  /// One request. Throws: Unavailable, InDoubt; postgres::UniqueViolation of `decide`.
  CatalogueStore::Result write(const std::vector<Lock>& locks, const WriteContext& context,
                               const Decide& decide);

  /// Work of the program itself: no token, no key of a client. `work` returns what the cache must
  /// not show any more.
  void write(const std::vector<Lock>& locks,
             const std::function<Changes(postgres::WriteTransaction&)>& work);

  /// Returns: a connection for reading.
  postgres::Pool::Lease connection() { return pool_.acquire(); }

 private:
  CatalogueStore::Result attempt(const std::vector<Lock>& locks, const std::vector<TokenId>& tokens,
                                 const postgres::NamedRequest& request, const Decide& decide);
  postgres::Claim look_after_doubt(const postgres::NamedRequest& request);
  CatalogueStore::Result run(const std::vector<Lock>& locks, const std::vector<TokenId>& tokens,
                             const postgres::NamedRequest& request, const Decide& decide);

  postgres::Pool pool_;
  const std::chrono::milliseconds patience_;  // with a server that may be on its way back
  Invalidation& invalidation_;
};

}  // namespace codasync::storage
