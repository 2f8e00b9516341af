#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/table.hpp"
#include "api/json.hpp"
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
  storage::TokenStore::Draft draft{name, creation.role, {}, std::nullopt};
  if (creation.person) {
    draft.person = trim(*creation.person);
    if (const auto refusal = refuse_name(*draft.person))
      return misused("--person: " + explain(*refusal));
  }
  for (const auto shop : creation.shops) draft.shops.emplace_back(shop);
  if (creation.expires_at) {
    draft.expires_at = parse_instant(*creation.expires_at);
    if (!draft.expires_at || *draft.expires_at <= now()) {
      return misused("--expires-at must be a time in the future, such as 2027-01-31T00:00:00Z.");
    }
  }
  const auto secret = storage::make_token_secret();
  const auto token = storage::make_token_store(settings.postgres)
                         ->create(draft, *storage::hash_token_secret(secret));
  if (!token) return misused("--shop: at least one of these shops does not exist.");
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
  Table table{{"ID", "ROLE", "SHOPS", "CREATED", "EXPIRES", "NAME"}};
  for (const auto& token : tokens) {
    std::string shops;
    for (const auto shop : token.shops)
      shops += (shops.empty() ? "" : ",") + std::to_string(shop.value());
    table.add({std::to_string(token.id.value()), std::string{name_of(token.role)},
               shops.empty() ? "all" : shops, to_string(token.created_at),
               token.expires_at ? to_string(*token.expires_at) : "never", token.name});
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
