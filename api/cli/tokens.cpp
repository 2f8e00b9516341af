#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/table.hpp"
#include "api/json.hpp"
#include "api/token_rules.hpp"
#include "storage/import_trail.hpp"
#include "storage/make_storage.hpp"
#include "storage/model/text.hpp"

namespace codasync::api::cli {
namespace {

int misused(const std::string& sentence) {
  std::cerr << "codasync: " << sentence << "\n";
  return kMisused;
}

}  // namespace

int create_token(const config::Settings& settings, const TokenCreation& creation) {
  const std::string name{trim(creation.name)};
  if (const auto refusal = refuse_name(name)) return misused("--name: " + explain(*refusal));
  if (storage::is_name_of_import(name))
    return misused("--name: a name may not end like the actor of an import.");
  if (!creation.shops.empty()) {
    if (const auto refusal = refuse_shops(creation.role, creation.shops))
      return misused("--shop: " + *refusal);
  }
  std::optional<Instant> requested;
  if (creation.expires_at) {
    requested = parse_instant(*creation.expires_at);
    if (!requested) return misused("--expires-at must be a time such as 2027-01-31T00:00:00Z.");
  }
  const auto end = end_of_token(settings.api, requested, now());
  if (!end) return misused("--expires-at: " + end.error());
  storage::TokenStore::Draft draft{name, creation.role, {}, *end};
  if (creation.person) {
    draft.person = trim(*creation.person);
    if (const auto refusal = refuse_name(*draft.person))
      return misused("--person: " + explain(*refusal));
  }
  for (const auto shop : creation.shops) draft.shops.emplace_back(shop);
  const auto secret = storage::make_token_secret();
  const auto token = storage::make_token_store(settings.postgres)
                         ->create(draft, *storage::hash_token_secret(secret));
  if (!token && token.error() == storage::CatalogueRefusal::unknown_shop)
    return misused("--shop: " + explain_unknown(token.error().shops));
  if (!token) {
    std::cerr
        << "codasync: The role of the service can only make the first token of an admin. Make "
           "others with POST /tokens, or with the role that owns the tables in "
           "CODASYNC_POSTGRES_URL.\n";
    return kFailed;
  }
  std::cerr << "Token " << token->id.value() << " for " << token->name << " ("
            << name_of(token->role) << "). Its secret is shown only once:\n";
  std::cout << secret << std::endl;
  return kDone;
}

int list_tokens(const config::Settings& settings, bool json) {
  const auto database = storage::make_database(settings.postgres);
  const auto reader = database->read();
  std::vector<storage::Token> tokens;
  for (bool more = true; more;) {
    auto page = reader->tokens(tokens.empty() ? std::nullopt : std::optional{tokens.back().id},
                               storage::kPageMax);
    tokens.insert(tokens.end(), page.rows.begin(), page.rows.end());
    more = page.more;
  }
  if (json) {
    std::cout << to_json(tokens) << "\n" << std::flush;
    return kDone;
  }
  Table table{{"ID", "ROLE", "SHOPS", "CREATED", "EXPIRES", "LAST USED", "NAME"}};
  for (const auto& token : tokens) {
    std::string shops;
    for (const auto shop : token.shops)
      shops += (shops.empty() ? "" : ",") + std::to_string(shop.value());
    table.add({std::to_string(token.id.value()), std::string{name_of(token.role)},
               shops.empty() ? "all" : shops, to_string(token.created_at),
               token.expires_at ? to_string(*token.expires_at) : "never",
               token.last_used_at ? to_string(*token.last_used_at) : "never", token.name});
  }
  table.print();
  return kDone;
}

int revoke_token(const config::Settings& settings, std::int64_t id) {
  if (!storage::make_token_store(settings.postgres)->revoke(TokenId{id})) {
    std::cerr << "codasync: there is no valid token with the id " << id
              << ". Run `codasync token list` to see the valid ones.\n";
    return kFailed;
  }
  std::cerr << "Token " << id << " is revoked.\n";
  return kDone;
}

}  // namespace codasync::api::cli
