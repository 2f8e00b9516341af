#include "api/resources/handlers.hpp"
#include "api/responses.hpp"
#include "api/token_rules.hpp"
#include "storage/import_trail.hpp"

namespace codasync::api::tokens {
namespace {

constexpr std::string_view kPath = "/api/v1/tokens";
constexpr std::size_t kShopsMax = 100;

}  // namespace

Result list(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto limit = parameters.limit();
  std::optional<TokenId> after;
  if (const auto cursor = parameters.id_cursor()) after = TokenId{*cursor};
  if (auto problem = parameters.finish()) return *problem;
  const auto page = reader.tokens(after, limit);
  return page_response(page, kPath, parameters,
                       [](const auto& token) { return make_cursor(token.id.value()); });
}

Result one(storage::Reader& reader, const Call& call) {
  // A page of one token that starts at this id.
  const auto page = reader.tokens(TokenId{call.path.id - 1}, 1);
  if (page.rows.empty() || page.rows[0].id != TokenId{call.path.id})
    return not_found(Subject::token);
  return ok_by_body(to_json(page.rows[0]));
}

Result self(Service&, const Call& call) { return ok_by_body(to_json(*call.actor)); }

Result create(Service& service, const Call& call) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto name = fields.name("name");
  const auto role = fields.one_of("role", {"staff", "admin"});
  const auto shops = fields.integers("shops", 1, INT64_MAX, kShopsMax);
  const auto expires_at = fields.instant("expires_at");
  const auto person = fields.name("person");
  fields.require("name", name);
  fields.require("role", role);
  fields.not_null("shops", shops, "Omit it for a token for all shops.");
  if (name.value && storage::is_name_of_import(*name.value))
    fields.refuse("name", "A name may not end like the actor of an import.");
  if (role.value) {
    if (auto refusal = refuse_shops(*storage::parse_role(*role.value), shops.value))
      fields.refuse("shops", std::move(*refusal));
  }
  const auto end = end_of_token(service.options, expires_at.value, now());
  if (!end) fields.refuse("expires_at", end.error());
  if (auto problem = fields.finish()) return *problem;

  storage::TokenStore::Draft draft{
      *name.value, *storage::parse_role(*role.value), {}, *end, person.value};
  for (const auto id : shops.value.value_or(std::vector<std::int64_t>{}))
    draft.shops.emplace_back(id);
  auto context = write_context(call, &fields);
  if (!context) return context.error();
  auto with_proof = std::move(context).value();
  with_proof.proof = call.secret_hash;
  const auto secret = storage::make_token_secret();
  std::optional<storage::Token> created;
  const auto result = service.token_store.create(
      draft, *storage::hash_token_secret(secret), with_proof,
      [&](const storage::Token& token, bool) {
        created = token;
        return serialise(
            {201, {}, std::string{kPath} + "/" + std::to_string(token.id.value()), to_json(token)});
      });
  if (!result) return to_result(Subject::token, result);
  // The secret is not stored, so the response to a repeated request does not contain it.
  if (result->replayed) return to_response(*result);
  auto response = parse_write_response(result->text);
  response.body = to_json(*created, secret);
  return to_response(response);
}

Result revoke(Service& service, const Call& call) {
  const auto context = write_context(call);
  if (!context) return context.error();
  return to_result(Subject::token, service.token_store.revoke(TokenId{call.path.id}, *context));
}

}  // namespace codasync::api::tokens
