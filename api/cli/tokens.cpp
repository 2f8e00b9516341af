#include <iomanip>
#include <iostream>

#include "api/cli/commands.hpp"
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

int list_tokens(const config::Settings& settings) {
  const auto database = storage::make_database(settings.postgres);
  const auto reader = database->read();
  std::optional<TokenId> after;
  std::cout << "ID\tROLE\tSHOPS\tCREATED\tEXPIRES\tNAME\n";
  for (bool more = true; more;) {
    const auto page = reader->tokens(after, storage::kPageMax);
    for (const auto& token : page.rows) {
      std::string shops;
      for (const auto shop : token.shops)
        shops += (shops.empty() ? "" : ",") + std::to_string(shop.value());
      std::cout << token.id.value() << '\t' << name_of(token.role) << '\t'
                << (shops.empty() ? "all" : shops) << '\t' << to_string(token.created_at) << '\t'
                << (token.expires_at ? to_string(*token.expires_at) : "never") << '\t' << token.name
                << '\n';
      after = token.id;
    }
    more = page.more;
  }
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
