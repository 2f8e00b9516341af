#include "api/session_cookie.hpp"

#include <algorithm>
#include <array>

#include "api/responses.hpp"

namespace codasync::api {
namespace {

constexpr std::string_view kOldestAge = "34560000";  // 400 days

std::string_view cookie_name(const Request& request) {
  return request.https ? "__Host-codasync" : "codasync";
}

/// The names of this machine in addresses of browsers, in their spelling.
bool is_loopback(std::string_view host) {
  constexpr std::array<std::string_view, 3> kNames{"localhost", "127.0.0.1", "[::1]"};
  return std::ranges::any_of(kNames, [&](std::string_view name) {
    return host.starts_with(name) && (host.size() == name.size() || host[name.size()] == ':');
  });
}

bool is_safe(const Request& request) { return request.https || is_loopback(request.host); }

std::string own_origin(const Request& request) {
  return (request.https ? "https://" : "http://") + request.host;
}

/// Types that a page can send to another origin without a preflight (the Fetch standard).
bool a_form_can_send(const Request& request) {
  constexpr std::array<std::string_view, 3> kTypes{"application/x-www-form-urlencoded",
                                                   "multipart/form-data", "text/plain"};
  if (request.content_type.empty()) return !request.body.empty();
  return std::ranges::find(kTypes, media_type(request.content_type)) != kTypes.end();
}

std::string cookie(const Request& request, std::string_view value, std::string_view max_age) {
  std::string text{cookie_name(request)};
  text.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict; Max-Age=");
  text.append(max_age);
  if (request.https) text += "; Secure";
  return text;
}

}  // namespace

std::optional<std::string_view> session_secret(const Request& request) {
  if (request.cookie.empty() || !is_safe(request)) return std::nullopt;
  const auto name = cookie_name(request);
  std::string_view rest{request.cookie};
  while (!rest.empty()) {
    auto pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  }
  return std::nullopt;
}

std::optional<Problem> refuse_other_pages(const Request& request) {
  const bool is_own = request.sec_fetch_site.empty() ? request.origin == own_origin(request)
                                                     : request.sec_fetch_site == "same-origin";
  if (!is_own) {
    return forbidden(
        "Only a page of this address can use its session: Sec-Fetch-Site must be same-origin, or "
        "Origin this address.");
  }
  if (a_form_can_send(request))
    return forbidden("With a session, send the body with Content-Type: application/json.");
  return std::nullopt;
}

std::optional<Problem> refuse_plain_http(const Request& request) {
  if (is_safe(request)) return std::nullopt;
  return forbidden("Signing in needs https, except at localhost, 127.0.0.1 and [::1].");
}

std::string session_cookie(const Request& request, std::string_view secret) {
  return cookie(request, secret, kOldestAge);
}

std::string ended_session_cookie(const Request& request) { return cookie(request, {}, "0"); }

}  // namespace codasync::api
