#pragma once

#include <optional>

#include "api/options.hpp"
#include "api/transport/http.hpp"

// Cross-origin requests of browsers (the Fetch standard): which pages may read responses. Nginx
// does the same for what passes through it (nginx/README.md).

namespace codasync::api {

/// Returns: the response to a preflight of a page that may use the API, for any address, so that
/// the page can read the 404 or 405 of the request itself; nothing for all other requests.
std::optional<Response> answer_preflight(const Request& request, const ApiOptions& options);

/// Adds what lets the page of the request read the response. Does nothing without
/// `api.cors_origins`. Never for a response that is stored: it depends on the request.
void allow_origin(Response& response, const Request& request, const ApiOptions& options);

}  // namespace codasync::api
