#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/problem.hpp"
#include "api/transport/http.hpp"

// The cookie of a signed-in browser (RFC 6265bis), and which pages can use it. Its name is
// `__Host-codasync` over https, which no other host can set, and `codasync` over plain http, only
// for a loopback address.

namespace codasync::api {

/// Returns: the secret in the cookie; nullopt without one, and over plain http to another machine.
std::optional<std::string_view> session_secret(const Request& request);

/// Returns: nothing for a request of a page of this address, otherwise 403. SameSite is not enough:
/// another port of this host is the same site. So Sec-Fetch-Site must be `same-origin`, or, from a
/// browser that does not send it, Origin must be this address; and the body must not have a type
/// that a form of any page can send.
std::optional<Problem> refuse_other_pages(const Request& request);

/// Returns: 403 where the cookie would pass a network without encryption, otherwise nothing.
std::optional<Problem> refuse_plain_http(const Request& request);

/// Returns: the value of Set-Cookie. The browser keeps it for as long as browsers keep cookies (400
/// days); the service decides when the session ends.
std::string session_cookie(const Request& request, std::string_view secret);

/// Returns: the value of Set-Cookie that removes it.
std::string ended_session_cookie(const Request& request);

}  // namespace codasync::api
