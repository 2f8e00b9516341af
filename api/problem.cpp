#include "api/problem.hpp"

#include "storage/model/text.hpp"

namespace codasync::api {

std::string shown_field(std::string_view name) {
  constexpr std::size_t kCharactersMax = 100;
  return to_valid_utf8(name, kCharactersMax);
}

std::string listed(std::span<const std::string_view> words) {
  std::string list;
  for (const auto word : words) list.append(list.empty() ? "" : ", ").append(word);
  return list;
}

Problem bad_fields(FieldErrors errors) {
  return {400, "bad-fields", "Some fields are not valid; see `errors`.", std::move(errors)};
}

Problem bad_query(FieldErrors errors) {
  return {400, "bad-query", "Some query parameters are not valid; see `errors`.",
          std::move(errors)};
}

Problem bad_json(std::string detail) { return {400, "bad-json", std::move(detail)}; }

Problem not_found(std::string detail) { return {404, "not-found", std::move(detail)}; }

Problem unauthorized(std::string detail) {
  return {401, "unauthorized", std::move(detail), {}, {{"WWW-Authenticate", "Bearer"}}};
}

Problem token_revoked() { return unauthorized("This access token was revoked or has expired."); }

Problem session_ended() {
  return unauthorized("This session has ended, or its token was revoked. Sign in again.");
}

Problem identity_is_fixed(const std::vector<std::string>& fields) {
  FieldErrors errors;
  for (const auto& field : fields) errors[field] = {"This differs from the address."};
  return {422, "identity-is-fixed",
          "These fields identify the resource and cannot change. Create another resource instead.",
          std::move(errors)};
}

Problem key_reused() {
  return {422, "key-reused",
          "This Idempotency-Key was already used for a different request. Use a new key."};
}

Problem forbidden(std::string detail) { return {403, "forbidden", std::move(detail)}; }

Problem other_shop() { return forbidden("This access token is for other shops."); }

Problem unavailable(std::string detail, int retry_after_seconds) {
  return {503,
          "unavailable",
          std::move(detail),
          {},
          {{"Retry-After", std::to_string(retry_after_seconds)}}};
}

Problem unavailable_because(std::string_view dependency) {
  if (dependency != "clock")
    return unavailable("The service is temporarily unavailable. Nothing was changed; try again.");
  auto problem = unavailable(
      "The clocks of this server and of its database differ too much. Nothing was changed. An "
      "operator must synchronise the clocks.",
      60);
  problem.type = "clock";
  return problem;
}

Problem in_doubt() {
  return {504,
          "in-doubt",
          "The connection to the database was lost during the commit, so it is unknown whether the "
          "change was made. Repeat the request with the same Idempotency-Key: it takes effect only "
          "once.",
          {},
          {{"Retry-After", "1"}}};
}

Problem internal_error() {
  return {500, "internal-error",
          "Unexpected server error. Try again; if it fails again, report the id in `instance`."};
}

}  // namespace codasync::api
