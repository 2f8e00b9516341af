#include "api/answers.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <cctype>

namespace codasync::api {
namespace {

constexpr std::size_t kIdempotencyKeyMax = 255;

bool is_json(std::string_view content_type) {
  auto media_type = std::string{content_type.substr(0, content_type.find(';'))};
  while (!media_type.empty() && media_type.back() == ' ') media_type.pop_back();
  std::transform(media_type.begin(), media_type.end(), media_type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return media_type == "application/json";
}

/// Method, path and body: what makes two requests the same.
std::array<std::uint8_t, 32> fingerprint(const Request& request) {
  std::string text{name_of(request.method)};
  text.append(" ")
      .append(canonical_path(request.path))
      .append("?")
      .append(request.query)
      .append("\n")
      .append(request.body);
  std::array<std::uint8_t, 32> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

Problem explain(const storage::CatalogueRefusal& refusal) {
  using enum storage::CatalogueRefusal::Why;
  switch (refusal.why) {
    case not_found:
      return api::not_found("There is no such row.");
    case name_taken:
      return {409,
              "name-taken",
              "Another shop has this name.",
              {{"name", {"Another shop has this name."}}}};
    case already_exists:
      return {409, "already-exists", "There is a product with this GTIN. PUT or PATCH changes it."};
    case has_readings:
      return {409, "has-readings",
              "There are stock readings of it. Remove them first; for a shop, ?cascade=true does "
              "both."};
    case precondition_failed: {
      Problem problem{412, "precondition-failed", "It has changed since. GET it and decide anew."};
      if (refusal.version) {
        problem.version = refusal.version;
        problem.headers = {{"ETag", "\"" + std::to_string(*refusal.version) + "\""}};
      }
      return problem;
    }
    case key_reused:
      return {422, "key-reused", "This Idempotency-Key stands for another request. Use a new one."};
    case token_revoked:
      return unauthorized("This token is revoked or has expired.");
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

Response ok_list(std::string json) {
  const auto tag = body_tag(json);
  return ok(std::move(json), tag);
}

Response to_response(const storage::Answer& answer) {
  Response response{answer.status, {}, answer.body};
  if (!answer.body.empty()) response.headers.push_back({"Content-Type", "application/json"});
  if (!answer.etag.empty()) response.headers.push_back({"ETag", "\"" + answer.etag + "\""});
  if (!answer.location.empty()) response.headers.push_back({"Location", answer.location});
  if (answer.replayed) response.headers.push_back({"Idempotency-Replayed", "true"});
  response.headers.push_back({"Cache-Control", "no-store"});
  return response;
}

Outcome<Body, Problem> read_body(const Request& request) {
  if (!is_json(request.content_type)) {
    return Problem{415, "unsupported-media-type",
                   "Send the body with Content-Type: application/json."};
  }
  return Body::parse(request.body);
}

Outcome<std::optional<storage::IdempotencyKey>, Problem> read_idempotency_key(
    const Request& request) {
  const auto& key = request.idempotency_key;
  if (key.empty()) return std::optional<storage::IdempotencyKey>{};
  if (key.size() > kIdempotencyKeyMax ||
      !std::all_of(key.begin(), key.end(), [](char c) { return c >= '!' && c <= '~'; })) {
    return bad_fields({{"Idempotency-Key", {"This must be 1 to 255 visible ASCII characters."}}});
  }
  return std::optional{storage::IdempotencyKey{key, fingerprint(request)}};
}

Outcome<std::optional<EntityTags>, Problem> read_if_match(const Request& request) {
  if (!request.if_none_match.empty()) {
    return bad_fields({{"If-None-Match",
                        {"This is for GET and HEAD. A write takes If-Match; POST of a product "
                         "changes none that exists."}}});
  }
  if (request.if_match.empty()) return std::optional<EntityTags>{};
  auto tags = parse_entity_tags(request.if_match);
  if (!tags)
    return bad_fields(
        {{"If-Match", {"This must be * or a list of entity tags in double quotes."}}});
  return tags;
}

Outcome<storage::WriteContext, Problem> write_context(const Call& call) {
  auto key = read_idempotency_key(call.request);
  if (!key) return key.error();
  const auto tags = read_if_match(call.request);
  if (!tags) return tags.error();
  storage::WriteContext context{*call.actor, std::nullopt, *key};
  if (tags.value()) context.if_match = versions_of(*tags.value());
  return context;
}

Result to_result(const storage::CatalogueStore::Result& result) {
  if (!result) return explain(result.error());
  return to_response(*result);
}

std::string_view canonical_path(std::string_view path) {
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace codasync::api
