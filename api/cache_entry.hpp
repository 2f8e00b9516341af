#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/transport/http.hpp"

namespace codasync::api {

/// Returns: the cache entry of a response: status line, headers, empty line, body. Nginx sends it
/// unchanged (nginx/README.md). Requires: status 200.
std::string to_cache_entry(const Response& response);

/// Returns: the response, or nothing for a malformed entry: any client of Memcached can store one.
/// nginx/response_cache has the same rules: header names of letters, digits and `-`; values without
/// control characters; no header that the transport writes; a body.
std::optional<Response> from_cache_entry(std::string_view bytes);

}  // namespace codasync::api
