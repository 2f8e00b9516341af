#include "api/cors.hpp"

#include <algorithm>
#include <regex>

namespace codasync::api {
namespace {

constexpr std::string_view kEveryOrigin = "*";

// Browsers send another preflight after this time; Chromium after two hours at the latest.
constexpr const char* kPreflightSeconds = "7200";

// What a page may send. The pages of every origin read; those of listed origins do all that a token
// permits.
constexpr const char* kReadMethods = "GET, HEAD";
constexpr const char* kReadHeaders = "If-None-Match, Last-Event-ID, X-Request-Id, traceparent";
constexpr const char* kAllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";
constexpr const char* kAllHeaders =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, "
    "X-Request-Id, traceparent";

// What a page may read, besides what browsers show of every response.
constexpr const char* kExposedHeaders =
    "Allow, ETag, History-Begins, Idempotency-Replayed, Link, Location, RateLimit, "
    "RateLimit-Policy, Retry-After, Total-Count, WWW-Authenticate, X-Request-Id";

/// Returns: the end of a sentence; empty: browsers send this text as an origin.
std::string_view problem_of(const std::string& origin) {
  static const std::regex kOrigin{
      R"(([a-z][a-z0-9+.-]*)://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?)"};
  std::smatch part;
  if (!std::regex_match(origin, part, kOrigin)) {
    return "is not an origin as browsers send it: scheme://host or scheme://host:port, in lower "
           "case, without a slash at the end";
  }
  const auto scheme = part.str(1);
  const auto port = part.str(2);
  if ((scheme == "https" && port == "443") || (scheme == "http" && port == "80"))
    return "has the default port, which browsers leave out";
  return {};
}

bool every_origin(const ApiOptions& options) {
  return options.cors_origins.front() == kEveryOrigin;  // it stands alone
}

bool is_allowed(const Request& request, const ApiOptions& options) {
  return every_origin(options) ||
         std::ranges::find(options.cors_origins, request.origin) != options.cors_origins.end();
}

}  // namespace

std::vector<std::string> problems_of_origins(const std::vector<std::string>& origins) {
  const bool every = std::ranges::find(origins, kEveryOrigin) != origins.end();
  if (every && origins.size() == 1) return {};
  std::vector<std::string> found;
  if (every)
    found.emplace_back("'*' is not alone: it lets pages only read, listed origins do everything");
  for (const auto& origin : origins) {
    if (origin == kEveryOrigin) continue;
    if (const auto problem = problem_of(origin); !problem.empty())
      found.push_back("'" + origin + "' " + std::string{problem});
  }
  return found;
}

std::optional<Response> answer_preflight(const Request& request, const ApiOptions& options) {
  if (request.method != Method::options || request.origin.empty() ||
      request.preflight_method.empty() || options.cors_origins.empty() ||
      !is_allowed(request, options))
    return std::nullopt;
  const bool reads_only = every_origin(options);
  return Response{204,
                  {{"Access-Control-Allow-Methods", reads_only ? kReadMethods : kAllMethods},
                   {"Access-Control-Allow-Headers", reads_only ? kReadHeaders : kAllHeaders},
                   {"Access-Control-Max-Age", kPreflightSeconds}},
                  {}};
}

void allow_origin(Response& response, const Request& request, const ApiOptions& options) {
  if (options.cors_origins.empty()) return;
  auto& headers = response.headers;
  if (!every_origin(options)) headers.push_back({"Vary", "Origin"});
  if (!is_allowed(request, options)) return;
  headers.push_back({"Access-Control-Allow-Origin",
                     every_origin(options) ? std::string{kEveryOrigin} : request.origin});
  headers.push_back({"Access-Control-Expose-Headers", kExposedHeaders});
}

}  // namespace codasync::api
