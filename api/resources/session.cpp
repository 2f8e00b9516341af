#include "api/resources/handlers.hpp"
#include "api/responses.hpp"
#include "api/session_cookie.hpp"

// Signing browsers in and out. A page of another origin can do neither: otherwise it could let
// people work under a name that is not theirs.

namespace codasync::api::session {
namespace {

std::optional<storage::SessionHash> session_of(const Request& request) {
  const auto secret = session_secret(request);
  return secret ? storage::hash_token_secret(*secret) : std::nullopt;
}

/// Counts and logs a refused token, as for requests with one in Authorization
/// (exchange/exchange.cpp).
Problem refused(Service& service, const Call& call, std::string_view why, const char* detail) {
  service.metrics.token_failed(why);
  service.log.warning(
      "a token was refused",
      {{"request_id", call.request.request_id}, {"why", why}, {"route", "/api/v1/session"}});
  return unauthorized(detail);
}

/// Nothing of a session may be stored by a browser or proxy.
Response unstored(int status, std::string json, std::optional<std::string> cookie) {
  Response response{status, {{"Cache-Control", "no-store"}}, std::move(json)};
  if (!response.body.empty()) response.headers.push_back({"Content-Type", "application/json"});
  if (cookie) response.headers.push_back({"Set-Cookie", std::move(*cookie)});
  return response;
}

}  // namespace

Result start(Service& service, const Call& call) {
  const auto& request = call.request;
  if (auto problem = refuse_other_pages(request)) return *problem;
  if (auto problem = refuse_plain_http(request)) return *problem;
  auto body = read_body(request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto token = fields.name("token");
  fields.require("token", token);
  if (auto problem = fields.finish()) return *problem;

  const auto hash = storage::hash_token_secret(*token.value);
  if (!hash) return refused(service, call, "malformed", "This is not an access token.");
  const auto secret = storage::make_token_secret();
  const auto started =
      service.sessions.start(*hash, *storage::hash_token_secret(secret), session_of(request));
  if (!started)
    return refused(service, call, "unknown", "This token is unknown, revoked or has expired.");
  return unstored(200, to_json(*started), session_cookie(request, secret));
}

Result self(Service&, const Call& call) {
  return unstored(200, to_json(*call.session), std::nullopt);
}

Result end(Service& service, const Call& call) {
  if (auto problem = refuse_other_pages(call.request)) return *problem;
  if (const auto hash = session_of(call.request)) service.sessions.end(*hash);
  return unstored(204, {}, ended_session_cookie(call.request));
}

}  // namespace codasync::api::session
