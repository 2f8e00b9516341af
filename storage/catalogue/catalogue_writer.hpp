#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "storage/catalogue_store.hpp"
#include "storage/invalidation.hpp"
#include "storage/postgres/pool.hpp"
#include "storage/postgres/stored_responses.hpp"
#include "storage/postgres/write_transaction.hpp"

namespace codasync::storage {

/// The result of a decision: the response, and the changes that make cache entries outdated.
struct CatalogueEffect {
  std::string response{};
  Changes changes{};
};

/// Runs the writes of the catalogue and of tokens. Each is one transaction with its idempotency key
/// and the cache deletions before COMMIT. It is repeated after a conflict; if the connection is
/// lost at COMMIT, the result of COMMIT is determined. Threads: safe concurrently.
class CatalogueWriter {
 public:
  CatalogueWriter(PoolName pool, const PostgresOptions& options, std::size_t connections_max,
                  Invalidation& invalidation, PoolObserver& observer)
      : pool_{pool, options, connections_max, observer},
        in_doubt_timeout_{options.statement_timeout},
        invalidation_{invalidation} {}

  using Decision = Outcome<CatalogueEffect, CatalogueRefusal>;
  /// Changes rows under the locks, or refuses. It can run several times; only the last run counts.
  using Decide = std::function<Decision(postgres::WriteTransaction&)>;

  /// Runs one request. Throws: Unavailable, InDoubt; postgres::UniqueViolation of `decide`.
  CatalogueStore::Result write(const std::vector<Lock>& locks, const WriteContext& context,
                               const Decide& decide);

  /// Runs a write of an import, without idempotency key. `work` returns its changes. Returns:
  /// false when the token of the actor was revoked; then nothing was written.
  [[nodiscard]] bool write(const std::vector<Lock>& locks, TokenId actor,
                           const std::function<Changes(postgres::WriteTransaction&)>& work);

  /// Returns: a connection for reading.
  postgres::Pool::Lease connection() { return pool_.acquire(); }

 private:
  CatalogueStore::Result attempt(const std::vector<Lock>& locks, const std::vector<TokenId>& tokens,
                                 const postgres::NamedRequest& request, const Decide& decide);
  postgres::Claim resolve_in_doubt(const postgres::NamedRequest& request);
  CatalogueStore::Result run(const std::vector<Lock>& locks, const std::vector<TokenId>& tokens,
                             const postgres::NamedRequest& request, const Decide& decide);

  postgres::Pool pool_;
  const std::chrono::milliseconds in_doubt_timeout_;  // for a server that restarts
  Invalidation& invalidation_;
};

}  // namespace codasync::storage
