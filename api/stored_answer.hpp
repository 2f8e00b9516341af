#pragma once

#include <string>
#include <string_view>

#include "api/http.hpp"

namespace codasync::api {

/// Returns: the form of an answer in the cache: status line, headers, empty line, body, which Nginx
/// sends as it is (nginx/README.md). Only 200 is stored.
std::string to_stored(const Response& response);

/// Returns: the answer again. Requires: `bytes` came from to_stored().
Response from_stored(std::string_view bytes);

}  // namespace codasync::api
