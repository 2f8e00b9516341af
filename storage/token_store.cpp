#include <cassert>
#include <optional>

#include "storage/catalogue_writer.hpp"
#include "storage/make_storage.hpp"
#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/sha256.hpp"

namespace codasync::storage {
namespace {

using postgres::WriteTransaction;
using Decision = CatalogueWriter::Decision;

/// No answer that is cached tells of tokens.
class NothingCached final : public Invalidation {
 public:
  std::unique_ptr<Pending> begin(const Changes&, const SlotStates&) override {
    assert(false);
    return nullptr;
  }
  [[nodiscard]] std::size_t slot_count() const noexcept override { return 0; }
};

/// A token has no versions, so no If-Match names one; `*` is any.
bool accepts(const WriteContext& context) { return !context.if_match || context.if_match->empty(); }

class PostgresTokenStore final : public TokenStore {
 public:
  PostgresTokenStore(const PostgresOptions& options, PoolObserver& observer)
      : writer_{PoolName::tokens, options, 1, nothing_cached_, observer} {}

  using TokenStore::create;
  using TokenStore::revoke;

  Result create(const Draft& draft, const TokenHash& hash, const WriteContext& context,
                const Answerer<Token>& answer) override {
    const std::string shops =
        postgres::array_of(draft.shops, [](ShopId shop) { return std::to_string(shop.value()); });
    const std::optional<std::string> expires_at =
        draft.expires_at ? std::optional{to_string(*draft.expires_at)} : std::nullopt;
    return writer_.write({}, context, [&](WriteTransaction& transaction) -> Decision {
      if (context.if_match) return CatalogueRefusal{CatalogueRefusal::precondition_failed};
      const Token token = postgres::token_of(transaction.exec_params(
          "insert into tokens (name, role, shops, expires_at, hash)"
          " values ($1, $2, $3::bigint[], $4::timestamptz, $5::bytea) returning " +
              postgres::kTokenColumns,
          draft.name, std::string{name_of(draft.role)}, shops, expires_at,
          "\\x" + to_hex(hash))[0]);
      return CatalogueEffect{answer(token, true)};
    });
  }

  Result revoke(TokenId id, const WriteContext& context) override {
    return writer_.write({}, context, [&](WriteTransaction& transaction) -> Decision {
      if (!accepts(context)) return CatalogueRefusal{CatalogueRefusal::precondition_failed};
      const bool there =
          !transaction
               .exec_params(
                   "update tokens set revoked_at = coalesce(revoked_at, clock_timestamp())"
                   " where id = $1 returning id",
                   id.value())
               .empty();
      if (!there) return CatalogueRefusal{CatalogueRefusal::not_found};
      return CatalogueEffect{Answer{.status = 204}};
    });
  }

 private:
  NothingCached nothing_cached_;
  CatalogueWriter writer_;
};

WriteContext by_operator() {
  return {{kOperator, "operator", Role::admin, {}, {}, {}}, std::nullopt, std::nullopt};
}

}  // namespace

Token TokenStore::create(const Draft& draft, const TokenHash& hash) {
  std::optional<Token> made;
  const auto result = create(draft, hash, by_operator(), [&](const Token& token, bool) {
    made = token;
    return Answer{.status = 201};
  });
  assert(result && made);
  return *made;
}

bool TokenStore::revoke(TokenId id) { return static_cast<bool>(revoke(id, by_operator())); }

std::unique_ptr<TokenStore> make_token_store(const PostgresOptions& options,
                                             PoolObserver& observer) {
  return std::make_unique<PostgresTokenStore>(options, observer);
}

}  // namespace codasync::storage
