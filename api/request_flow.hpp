#pragma once

#include <optional>
#include <variant>

#include "api/lru_cache.hpp"
#include "api/options.hpp"
#include "api/routes.hpp"
#include "cache/key.hpp"

namespace codasync::api {

/// What a request needs next. Each step but the last is done by the dispatcher, which reports the
/// result to the RequestFlow.
namespace next {
struct FindToken {  // report: token_found()
  storage::TokenHash hash;
};
struct FindSession {  // report: session_found()
  storage::SessionHash hash;
};
struct LookUp {  // in the cache; report: looked_up()
  cache::Key key;
};
struct ResolveReading {  // its shop and product; report: reading_resolved()
  ReadingId id;
};
struct Act {};  // the action of the route; report: acted() or stale_key()
struct Respond {
  Response response;
};
}  // namespace next
using NextStep = std::variant<next::FindToken, next::FindSession, next::LookUp,
                              next::ResolveReading, next::Act, next::Respond>;

/// A token that was sent and refused, for metrics and the log.
struct TokenFailure {
  enum Why { malformed, unknown, revoked, expired } why;
  std::optional<TokenId> token{};  // if there is one
};
std::string_view name_of(TokenFailure::Why why);

/// The path of one request, without sockets, threads and servers:
///
///   parse -> authorise -> look up -> resolve -> act -> respond
///
/// A step that the route does not need, or whose result this process has cached, is skipped. A
/// refusal goes straight to `respond`. Threads: one at a time.
class RequestFlow {
 public:
  /// All but the request must outlive the flow.
  RequestFlow(Request request, const ApiOptions& options, TokenCache& tokens,
              ReadingKeyCache& reading_keys)
      : options_{options}, tokens_{tokens}, reading_keys_{reading_keys} {
    call_.request = std::move(request);
  }

  /// The first step: everything that the request line and the header fields decide.
  NextStep parse();

  NextStep token_found(Outcome<storage::Token, storage::TokenRefusal> token);

  /// `session`: nothing when it is unknown or has ended. It is not cached.
  NextStep session_found(std::optional<storage::Session> session);

  /// `response`: of the entry; nothing for a miss, or when the cache did not respond.
  NextStep looked_up(std::optional<Response> response);

  /// `key`: nothing when no reading has this id.
  NextStep reading_resolved(std::optional<storage::ReadingKey> key);

  NextStep acted(Result result);

  /// The cached shop and product of the reading are not those of its row. Returns: the step that
  /// finds them again; nothing when they were looked up for this request, so that the row
  /// contradicts itself.
  std::optional<NextStep> stale_key();

  /// The ledger refused the token that this process had cached.
  void token_refused();

  /// Returns: the hash of the request's token or session; nullopt: the route needs none.
  [[nodiscard]] const std::optional<storage::TokenHash>& token() const noexcept {
    return call_.secret_hash;
  }
  /// Returns: why the request's token was refused; nullopt: it was not, or none was sent.
  [[nodiscard]] const std::optional<TokenFailure>& token_failure() const noexcept {
    return token_failure_;
  }
  /// Requires: the next step is Act.
  [[nodiscard]] const Route& route() const { return *route_; }
  [[nodiscard]] const Call& call() const noexcept { return call_; }
  /// Returns: the pattern of the route, or `none` for a request without one: a metric's label.
  [[nodiscard]] std::string_view pattern() const noexcept;
  /// Returns: how the route caches its one response; null pointer: not at all, or the request has
  /// parameters.
  [[nodiscard]] const CachedResponse* cached_response() const;

  /// Returns: the response to a refusal.
  [[nodiscard]] Response respond(const Problem& problem) const;

 private:
  NextStep authorise();
  NextStep authorise_session(std::string_view secret);
  NextStep check_token();
  NextStep refuse_token(TokenFailure why, const char* detail);
  NextStep look_up();
  NextStep resolve();
  NextStep refuse(const Problem& problem) const { return next::Respond{respond(problem)}; }
  [[nodiscard]] bool is_of_other_shop() const;

  const ApiOptions& options_;
  TokenCache& tokens_;
  ReadingKeyCache& reading_keys_;
  Call call_;
  const Route* route_{nullptr};
  std::optional<TokenFailure> token_failure_;
  bool key_was_cached_{false};
};

/// Returns: whether the response to the request of this head depends on a body: not for a read, nor
/// when the flow refuses the request for its address or its token.
bool needs_body(const Request& head, const ApiOptions& options);

/// Returns: whether a client's request id may be used: 1 to 128 of letters, digits and `._-`.
bool is_request_id(std::string_view text);

}  // namespace codasync::api
