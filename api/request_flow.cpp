#include "api/request_flow.hpp"

#include <algorithm>
#include <utility>

#include "api/cors.hpp"
#include "api/etag.hpp"
#include "api/responses.hpp"
#include "api/session_cookie.hpp"

namespace codasync::api {
namespace {

constexpr std::size_t kRequestIdMax = 128;
constexpr std::string_view kNoRoute = "none";
constexpr const char* kNeedsToken = "This needs an access token: Authorization: Bearer <token>.";

/// Returns: what can be done at this address; `*` is the service as a whole (RFC 9110, 9.3.7).
Result options_of(std::string_view path) {
  if (path == "*")
    return Response{204, {{"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}}, {}};
  auto allowed = allowed_methods(canonical_path(path));
  if (allowed.empty()) return nothing_here();
  return Response{204, {{"Allow", std::move(allowed)}}, {}};
}

/// Returns: what follows `Bearer` and spaces; the scheme is written in any case (RFC 9110, 11.1).
std::optional<std::string_view> bearer_secret(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  const auto same = [](char expected, char sent) {
    return expected == (sent >= 'A' && sent <= 'Z' ? sent - 'A' + 'a' : sent);
  };
  if (authorization.size() < kScheme.size() ||
      !std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), same))
    return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

bool needs_token(const Route& route, const ApiOptions& options) {
  switch (route.needs.access) {
    case Access::open:
      return false;
    case Access::reader:
      return !options.public_reads;
    case Access::staff:
    case Access::admin:
      return true;
  }
  __builtin_unreachable();
}

TokenFailure::Why failure_of(storage::TokenRefusal::Why why) {
  switch (why) {
    case storage::TokenRefusal::unknown:
      return TokenFailure::unknown;
    case storage::TokenRefusal::revoked:
      return TokenFailure::revoked;
    case storage::TokenRefusal::expired:
      return TokenFailure::expired;
  }
  __builtin_unreachable();
}

/// Returns: whether the client has this version of a resource already (RFC 9110, 13.1.2).
bool not_modified(const Request& request, const Response& response) {
  const bool reads = request.method == Method::get || request.method == Method::head;
  if (request.if_none_match.empty() || !reads || response.status != 200) return false;
  const auto tags = parse_entity_tags(request.if_none_match);
  return tags && std::ranges::any_of(response.headers, [&](const Header& header) {
           return header.name == "ETag" && header.value.size() >= 2 &&
                  tags->contains(std::string_view{header.value}.substr(1, header.value.size() - 2));
         });
}

}  // namespace

// ---- parse

NextStep RequestFlow::parse() {
  auto& request = call_.request;
  if (!is_request_id(request.request_id)) request.request_id = to_string(Uuid::v7(now()));
  if (request.body.size() > options_.body_bytes_max) {
    return refuse({413, "content-too-large",
                   "The body exceeds " + std::to_string(options_.body_bytes_max) + " bytes."});
  }
  if (auto preflight = answer_preflight(request, options_)) return next::Respond{*preflight};
  if (request.method == Method::options) return acted(options_of(request.path));
  const auto matched = match(request.method, canonical_path(request.path));
  if (!matched) return refuse(matched.error());
  route_ = matched->route;
  call_.path = matched->arguments;
  auto query = parse_query(request.query);
  if (!query) return refuse({400, "bad-query", "The query has a broken percent escape."});
  if (auto problem = refuse_unknown_parameters(*route_, *query)) return refuse(*problem);
  call_.query = std::move(*query);
  return authorise();
}

// ---- authorise

NextStep RequestFlow::authorise() {
  if (!needs_token(*route_, options_)) return look_up();
  const auto credential = route_->needs.credential;
  if (call_.request.authorization.empty() || credential == Credential::session) {
    if (const auto secret = session_secret(call_.request)) return authorise_session(*secret);
    return refuse(unauthorized(credential == Credential::session
                                   ? "This needs a session: sign in with POST /api/v1/session."
                                   : kNeedsToken));
  }
  const auto secret = bearer_secret(call_.request.authorization);
  if (!secret) return refuse_token({TokenFailure::malformed}, kNeedsToken);
  const auto& hash = call_.secret_hash = storage::hash_token_secret(*secret);
  if (!hash) return refuse_token({TokenFailure::malformed}, "Invalid access token.");
  // A write's own transaction checks the token again, so a cached one is enough to begin with.
  if (std::holds_alternative<StockWrite>(route_->action) ||
      std::holds_alternative<PlannedWrite>(route_->action))
    call_.actor = tokens_.find(*hash);
  if (call_.actor) return check_token();
  return next::FindToken{*hash};
}

NextStep RequestFlow::authorise_session(std::string_view secret) {
  const auto& request = call_.request;
  const bool reads = request.method == Method::get || request.method == Method::head;
  if (auto problem = reads ? std::nullopt : refuse_other_pages(request)) return refuse(*problem);
  if (route_->needs.credential == Credential::token) {
    return refuse(
        forbidden("A session cannot do this. Send the token itself: Authorization: "
                  "Bearer <token>."));
  }
  call_.secret_hash = storage::hash_token_secret(secret);
  if (!call_.secret_hash) return refuse(session_ended());
  return next::FindSession{*call_.secret_hash};
}

NextStep RequestFlow::session_found(std::optional<storage::Session> session) {
  if (!session) return refuse(session_ended());
  call_.actor = session->token;
  call_.session = std::move(session);
  return check_token();
}

NextStep RequestFlow::refuse_token(TokenFailure why, const char* detail) {
  token_failure_ = why;
  return refuse(unauthorized(detail));
}

NextStep RequestFlow::token_found(Outcome<storage::Token, storage::TokenRefusal> token) {
  if (!token) {
    const auto& [why, id] = token.error();
    return refuse_token({failure_of(why), id}, "This token is unknown, revoked or has expired.");
  }
  tokens_.store(*call_.secret_hash, *token);
  call_.actor = std::move(token).value();
  return check_token();
}

NextStep RequestFlow::check_token() {
  const auto& actor = *call_.actor;
  if (actor.expires_at && *actor.expires_at <= now())
    return refuse_token({TokenFailure::expired, actor.id}, "This token has expired.");
  if (route_->needs.access == Access::admin && actor.role != storage::Role::admin)
    return refuse(forbidden("This needs the token of an admin."));
  if (route_->needs.scope == Scope::path) {
    if (auto problem = refuse_other_shop(actor, ShopId{call_.path.id})) return refuse(*problem);
  }
  return look_up();
}

void RequestFlow::token_refused() {
  tokens_.remove(*call_.secret_hash);
  token_failure_ = TokenFailure{TokenFailure::revoked, call_.actor->id};
}

// ---- look up

const CachedResponse* RequestFlow::cached_response() const {
  if (const auto* one = std::get_if<ReadOne>(&route_->action)) return &one->cached;
  const auto* read = std::get_if<Read>(&route_->action);
  return read != nullptr && call_.query.empty() ? std::get_if<CachedResponse>(&read->caching)
                                                : nullptr;
}

NextStep RequestFlow::look_up() {
  const auto* cached = cached_response();
  if (cached == nullptr) return resolve();
  // The reverse proxy has just looked the same entry up.
  if (call_.request.cache_missed) return looked_up(std::nullopt);
  return next::LookUp{cached->key(call_.path)};
}

NextStep RequestFlow::looked_up(std::optional<Response> response) {
  if (response) return acted(std::move(*response));
  return resolve();
}

// ---- resolve

NextStep RequestFlow::resolve() {
  if (route_->needs.resolve == Resolve::nothing) return next::Act{};
  const ReadingId id{call_.path.id};
  call_.path.reading = reading_keys_.find(id);
  // A cached key can be of an earlier history of the database, so it refuses nothing.
  key_was_cached_ = call_.path.reading.has_value() && !is_of_other_shop();
  if (!key_was_cached_) return next::ResolveReading{id};
  return next::Act{};
}

/// Requires: the reading is resolved.
bool RequestFlow::is_of_other_shop() const {
  return route_->needs.scope == Scope::reading && !covers(*call_.actor, call_.path.reading->shop);
}

NextStep RequestFlow::reading_resolved(std::optional<storage::ReadingKey> key) {
  if (!key) return refuse(not_found("There is no stock reading with this id."));
  reading_keys_.store(ReadingId{call_.path.id}, *key);
  call_.path.reading = std::move(key);
  if (is_of_other_shop()) return refuse(other_shop());
  return next::Act{};
}

std::optional<NextStep> RequestFlow::stale_key() {
  if (!std::exchange(key_was_cached_, false)) return std::nullopt;
  const ReadingId id{call_.path.id};
  reading_keys_.remove(id);
  return next::ResolveReading{id};
}

// ---- act, respond

NextStep RequestFlow::acted(Result result) {
  if (!result) return refuse(result.error());
  auto response = std::move(result).value();
  if (not_modified(call_.request, response)) {
    response.status = 304;
    response.body.clear();
    std::erase_if(response.headers,
                  [](const Header& header) { return header.name == "Content-Type"; });
  }
  return next::Respond{std::move(response)};
}

Response RequestFlow::respond(const Problem& problem) const {
  return to_response(problem, call_.request.request_id);
}

std::string_view RequestFlow::pattern() const noexcept {
  return route_ != nullptr ? route_->pattern : kNoRoute;
}

bool needs_body(const Request& head, const ApiOptions& options) {
  if (head.method == Method::get || head.method == Method::head || head.method == Method::options)
    return false;
  const auto matched = match(head.method, canonical_path(head.path));
  if (!matched) return false;
  if (!needs_token(*matched->route, options)) return true;
  const auto secret =
      head.authorization.empty() ? session_secret(head) : bearer_secret(head.authorization);
  return secret && storage::hash_token_secret(*secret);
}

std::string_view name_of(TokenFailure::Why why) {
  switch (why) {
    case TokenFailure::malformed:
      return "malformed";
    case TokenFailure::unknown:
      return "unknown";
    case TokenFailure::revoked:
      return "revoked";
    case TokenFailure::expired:
      return "expired";
  }
  __builtin_unreachable();
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdMax &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string_view::npos;
}

}  // namespace codasync::api
