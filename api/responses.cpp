#include "api/responses.hpp"

#include <algorithm>
#include <cctype>

#include "api/token_rules.hpp"
#include "storage/sha256.hpp"

namespace codasync::api {
namespace {

constexpr std::size_t kIdempotencyKeyMax = 255;

/// Returns: the path without a trailing slash, without unnecessary escapes, and with GTINs in
/// canonical form. The number of an id that is also a valid GTIN does not change.
std::string canonical_text(std::string_view path) {
  std::string text;
  path = canonical_path(path);
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    const auto decoded = decode_path(segment).value_or(std::string{segment});
    const auto gtin = Gtin::parse(decoded);
    text.append("/").append(encode(gtin ? gtin->canonical() : decoded));
  }
  return text;
}

std::string canonical_text(Query query) {
  std::sort(query.begin(), query.end());
  std::string text;
  for (const auto& [name, value] : query)
    text.append("&").append(encode(name)).append("=").append(encode(value));
  return text;
}

std::array<std::uint8_t, 32> fingerprint(const Request& request, const Query& query,
                                         const Body* body) {
  std::string text{name_of(request.method)};
  text.append(" ").append(canonical_text(request.path));
  text.append("?").append(canonical_text(query)).append("\n");
  if (body != nullptr) body->append_canonical(text);
  return storage::sha256(text);
}

std::string_view name_of(Subject subject) {
  switch (subject) {
    case Subject::shop:
      return "shop";
    case Subject::thresholds:
      return "list of thresholds";
    case Subject::product:
      return "product";
    case Subject::token:
      return "token";
  }
  __builtin_unreachable();
}

Problem explain(Subject subject, const storage::CatalogueRefusal& refusal) {
  using enum storage::CatalogueRefusal::Why;
  const auto the_row = "The " + std::string{name_of(subject)};
  switch (refusal.why) {
    case not_found:
      return api::not_found(subject);
    case name_taken:
      return {409,
              "name-taken",
              "Another shop has this name.",
              {{"name", {"Another shop has this name."}}}};
    case already_exists:
      return {409, "already-exists",
              "A product with this GTIN already exists. Change it with PUT or PATCH."};
    case has_readings:
      return {409, "has-readings",
              the_row + " has stock readings. " +
                  (subject == Subject::shop
                       ? "Delete them first, or send ?cascade=true to delete them with the shop."
                       : "Delete them first.")};
    case unknown_shop:
      return bad_fields({{"shops", {explain_unknown(refusal.shops)}}});
    case not_permitted:
      return forbidden("Only an admin can create a token.");
    case precondition_failed: {
      if (!refusal.version) {
        return {412, "precondition-failed",
                the_row + " does not exist, so the condition in If-Match is not met."};
      }
      Problem problem{412, "precondition-failed",
                      the_row +
                          " was changed by someone else. Fetch it again and retry with its "
                          "new ETag."};
      problem.members = {{"version", *refusal.version}};
      problem.headers = {{"ETag", "\"" + std::to_string(*refusal.version) + "\""}};
      return problem;
    }
    case key_reused:
      return api::key_reused();
    case token_revoked:
      return api::token_revoked();
  }
  __builtin_unreachable();
}

}  // namespace

Response ok(std::string json, const std::string& tag) {
  return {200,
          {{"Content-Type", "application/json"},
           {"ETag", "\"" + tag + "\""},
           {"Cache-Control", "no-cache"}},
          std::move(json)};
}

Response ok_by_body(std::string json) {
  const auto tag = body_tag(json);
  return ok(std::move(json), tag);
}

void add_total(Response& response, const std::optional<std::int64_t>& count) {
  if (count) response.headers.push_back({"Total-Count", std::to_string(*count)});
}

std::string media_type(std::string_view content_type) {
  auto type = std::string{content_type.substr(0, content_type.find(';'))};
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

Outcome<Body, Problem> read_body(const Request& request) {
  if (media_type(request.content_type) != "application/json") {
    return Problem{415, "unsupported-media-type",
                   "Send the body with Content-Type: application/json."};
  }
  if (!request.content_encoding.empty() && request.content_encoding != "identity") {
    return Problem{415, "unsupported-media-type",
                   "Send the body without Content-Encoding. Only the file of an import may be "
                   "compressed."};
  }
  return Body::parse(request.body);
}

std::optional<Problem> refuse_fields(const Request& request) {
  if (request.body.empty()) return std::nullopt;
  auto body = Body::parse(request.body);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  return fields.finish();
}

Outcome<std::optional<storage::IdempotencyKey>, Problem> read_idempotency_key(const Call& call,
                                                                              const Body* body) {
  const auto& key = call.request.idempotency_key;
  if (!key) return std::optional<storage::IdempotencyKey>{};
  if (key->empty() || key->size() > kIdempotencyKeyMax ||
      !std::all_of(key->begin(), key->end(), [](char c) { return c >= '!' && c <= '~'; })) {
    return bad_fields({{"Idempotency-Key",
                        {"This must be 1 to 255 visible ASCII characters. To send no key, omit the "
                         "header."}}});
  }
  return std::optional{storage::IdempotencyKey{*key, fingerprint(call.request, call.query, body)}};
}

Outcome<std::optional<EntityTags>, Problem> read_if_match(const Request& request) {
  if (!request.if_none_match.empty()) {
    return bad_fields({{"If-None-Match",
                        {"This header is for GET and HEAD. For a write use If-Match. POST of a "
                         "product never changes an existing product."}}});
  }
  if (!request.if_match) return std::optional<EntityTags>{};
  auto tags = parse_entity_tags(*request.if_match);
  if (!tags)
    return bad_fields(
        {{"If-Match", {"This must be * or a list of entity tags in double quotes."}}});
  return tags;
}

Outcome<storage::WriteContext, Problem> write_context(const Call& call, const Body* body) {
  auto key = read_idempotency_key(call, body);
  if (!key) return key.error();
  const auto tags = read_if_match(call.request);
  if (!tags) return tags.error();
  storage::WriteContext context{*call.actor, std::nullopt, *key};
  if (tags.value()) context.if_match = versions_of(*tags.value());
  return context;
}

Outcome<storage::WriteContext, Problem> write_context(const Call& call) {
  if (auto problem = refuse_fields(call.request)) return *problem;
  return write_context(call, nullptr);
}

std::optional<Problem> refuse_other_shop(const storage::Token& actor, ShopId shop) {
  return covers(actor, shop) ? std::nullopt : std::optional{other_shop()};
}

Outcome<std::vector<ShopId>, Problem> shops_of(const storage::Token& actor,
                                               std::vector<ShopId> named) {
  if (named.empty()) return actor.shops;
  for (const auto shop : named) {
    if (auto problem = refuse_other_shop(actor, shop)) return *problem;
  }
  return named;
}

Result to_result(Subject subject, const storage::CatalogueStore::Result& result) {
  if (!result) return explain(subject, result.error());
  return to_response(*result);
}

Problem not_found(Subject subject) {
  switch (subject) {
    case Subject::shop:
    case Subject::thresholds:
      return not_found("There is no shop with this id.");
    case Subject::product:
      return not_found("There is no product with this GTIN.");
    case Subject::token:
      return not_found("There is no access token with this id, or it was revoked.");
  }
  __builtin_unreachable();
}

std::string_view canonical_path(std::string_view path) {
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace codasync::api
