#include <cassert>
#include <optional>
#include <set>

#include "storage/catalogue/catalogue_writer.hpp"
#include "storage/make_storage.hpp"
#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"

namespace codasync::storage {
namespace {

using postgres::WriteTransaction;
using Decision = CatalogueWriter::Decision;

/// No cached response shows a token.
class NothingCached final : public Invalidation {
 public:
  std::unique_ptr<Pending> begin(const Changes&, const SlotStates&) override {
    assert(false);
    return nullptr;
  }
  [[nodiscard]] std::size_t slot_count() const noexcept override { return 0; }
};

/// A token has no version, so no entity tag matches it; `*` does.
bool accepts(const WriteContext& context) { return !context.if_match || context.if_match->empty(); }

bool is_operator(const WriteContext& context) { return context.actor.id == kOperator; }

/// Returns: whether the connection has the rights of the tables' owner.
bool owns_tokens(WriteTransaction& transaction) {
  return transaction.exec_params("select has_table_privilege('tokens', 'insert')")[0][0].as<bool>();
}

/// Returns: an array literal of the shops, each once, by id.
std::string array_of_shops(const std::vector<ShopId>& shops) {
  const std::set<ShopId> once{shops.begin(), shops.end()};
  return postgres::array_of(once, [](ShopId shop) { return std::to_string(shop.value()); });
}

/// Returns: those of the shops that do not exist, each once, by id.
std::vector<ShopId> unknown_ones(WriteTransaction& transaction, const std::vector<ShopId>& shops) {
  std::vector<ShopId> unknown;
  if (shops.empty()) return unknown;
  for (const auto& row : transaction.exec_params(
           "select distinct wanted.id from unnest($1::bigint[]) as wanted (id) where not exists"
           " (select from shops s where s.id = wanted.id and s.removed_at is null) order by 1",
           array_of_shops(shops)))
    unknown.emplace_back(row[0].as<std::int64_t>());
  return unknown;
}

// A token `t` as the audit shows it: its end has the form of times in answers.
constexpr const char* kAudited =
    "audited_token(t.name, t.role, t.shops, t.expires_at) || jsonb_build_object('person', t.person,"
    " 'expires_at', rtrim(rtrim(to_char(t.expires_at at time zone 'UTC',"
    " 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '0'), '.') || 'Z')";

/// Returns: the statement that makes a token, with its row in the audit. `source`: how.
std::string creation(const std::string& source) {
  return "with t as (" + source +
         "), logged as (insert into audit (token_id, actor, action, subject, subject_id, after)"
         " select $6, $7, 'create', 'token', t.id, " +
         kAudited + " from t) select " + postgres::kTokenColumns + " from t";
}

class PostgresTokenStore final : public TokenStore {
 public:
  PostgresTokenStore(const PostgresOptions& options, PoolObserver& observer)
      : writer_{PoolName::tokens, options, 1, nothing_cached_, observer} {}

  using TokenStore::create;
  using TokenStore::revoke;

  Result create(const Draft& draft, const TokenHash& hash, const WriteContext& context,
                const ResponseEncoder<Token>& encode) override {
    const std::string shops = array_of_shops(draft.shops);
    const std::optional<std::string> expires_at =
        draft.expires_at ? std::optional{to_string(*draft.expires_at)} : std::nullopt;
    return writer_.write({}, context, [&](WriteTransaction& transaction) -> Decision {
      if (context.if_match) return CatalogueRefusal{CatalogueRefusal::precondition_failed};
      if (auto unknown = unknown_ones(transaction, draft.shops); !unknown.empty())
        return CatalogueRefusal{CatalogueRefusal::unknown_shop, {}, std::move(unknown)};
      static const std::string kByOwner = creation(
          "insert into tokens (name, role, shops, expires_at, hash, person) values ($1, $2,"
          " nullif($3::bigint[], '{}'), $4::timestamptz, $5::bytea, $8) returning *");
      static const std::string kWithProof = creation(
          "select * from create_token($9::bytea, $1, $2, nullif($3::bigint[], '{}'),"
          " $4::timestamptz, $5::bytea, $8)");
      const auto make = [&](const std::string& statement, const auto&... proof) {
        return transaction.exec_params(statement, draft.name, std::string{name_of(draft.role)},
                                       shops, expires_at, postgres::bytea(hash),
                                       context.actor.id.value(), context.actor.name, draft.person,
                                       proof...);
      };
      const auto proof = context.proof ? std::optional{postgres::bytea(*context.proof)}
                                       : std::optional<std::string>{};
      const auto made = is_operator(context) && owns_tokens(transaction) ? make(kByOwner)
                                                                         : make(kWithProof, proof);
      if (made.empty()) return CatalogueRefusal{CatalogueRefusal::not_permitted};
      return CatalogueEffect{encode(postgres::token_of(made[0]), true)};
    });
  }

  Result revoke(TokenId id, const WriteContext& context) override {
    // Waits for the running writes of the token: nothing is written with it afterwards.
    const std::vector<Lock> locks{exclusive(token_lock(id))};
    return writer_.write(locks, context, [&](WriteTransaction& transaction) -> Decision {
      if (!accepts(context)) return CatalogueRefusal{CatalogueRefusal::precondition_failed};
      static const std::string kRevoke =
          std::string{
              "with t as (update tokens set revoked_at = clock_timestamp()"
              " where id = $1 and revoked_at is null"
              " returning id, name, role, shops, expires_at, person), logged as (insert into"
              " audit (token_id, actor, action, subject, subject_id, before) select $2, $3,"
              " 'revoke', 'token', t.id, "} +
          kAudited + " from t) select from tokens where id = $1";
      const bool there =
          !transaction
               .exec_params(kRevoke, id.value(), context.actor.id.value(), context.actor.name)
               .empty();
      if (!there) return CatalogueRefusal{CatalogueRefusal::not_found};
      return CatalogueEffect{};
    });
  }

  void note_uses(const std::vector<TokenId>& tokens) override {
    writer_.connection()->exec_params(
        "update tokens set last_used_at = date_trunc('hour', clock_timestamp())"
        " where id = any($1::bigint[]) and last_used_at is distinct from"
        " greatest(last_used_at, date_trunc('hour', clock_timestamp()))",
        postgres::array_of(tokens, [](TokenId id) { return std::to_string(id.value()); }));
  }

 private:
  NothingCached nothing_cached_;
  CatalogueWriter writer_;
};

WriteContext by_operator() {
  return {{kOperator, "operator", Role::admin, {}, {}, {}}, std::nullopt, std::nullopt};
}

}  // namespace

Outcome<Token, CatalogueRefusal> TokenStore::create(const Draft& draft, const TokenHash& hash) {
  std::optional<Token> made;
  const auto result = create(draft, hash, by_operator(), [&](const Token& token, bool) {
    made = token;
    return std::string{};
  });
  if (!result) return result.error();
  return *made;
}

bool TokenStore::revoke(TokenId id) { return static_cast<bool>(revoke(id, by_operator())); }

std::unique_ptr<TokenStore> make_token_store(const PostgresOptions& options,
                                             PoolObserver& observer) {
  return std::make_unique<PostgresTokenStore>(options, observer);
}

}  // namespace codasync::storage
