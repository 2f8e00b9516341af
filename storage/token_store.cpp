#include "storage/make_storage.hpp"
#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/pool.hpp"
#include "storage/sha256.hpp"

namespace codasync::storage {
namespace {

using postgres::Pool;

class PostgresTokenStore final : public TokenStore {
 public:
  PostgresTokenStore(const PostgresOptions& options, PoolObserver& observer)
      : pool_{PoolName::tokens, options, 1, observer} {}

  Token create(const Draft& draft, const TokenHash& hash) override {
    const std::string shops =
        postgres::array_of(draft.shops, [](ShopId shop) { return std::to_string(shop.value()); });
    const std::optional<std::string> expires_at =
        draft.expires_at ? std::optional{to_string(*draft.expires_at)} : std::nullopt;
    return postgres::token_of(repeatable([&](postgres::Connection& connection) {
      return connection.exec_params(
          "insert into tokens (name, role, shops, expires_at, hash)"
          " values ($1, $2, $3::bigint[], $4::timestamptz, $5::bytea)"
          " on conflict (hash) do update set name = excluded.name returning " +
              postgres::kTokenColumns,
          draft.name, std::string{name_of(draft.role)}, shops, expires_at, "\\x" + to_hex(hash));
    })[0]);
  }

  bool revoke(TokenId id) override {
    return !repeatable([&](postgres::Connection& connection) {
              return connection.exec_params(
                  "update tokens set revoked_at = coalesce(revoked_at, clock_timestamp())"
                  " where id = $1 returning id",
                  id.value());
            }).empty();
  }

 private:
  /// Runs a statement that may run twice: when the connection is lost nobody knows whether it did
  /// once.
  template <class Statement>
  pqxx::result repeatable(Statement&& statement) {
    {
      const Pool::Lease lease = pool_.acquire();
      try {
        return statement(*lease);
      } catch (const Unavailable&) {
        if (lease->usable()) throw;
      }
    }
    return statement(*pool_.acquire());
  }

  Pool pool_;
};

}  // namespace

std::unique_ptr<TokenStore> make_token_store(const PostgresOptions& options,
                                             PoolObserver& observer) {
  return std::make_unique<PostgresTokenStore>(options, observer);
}

}  // namespace codasync::storage
