#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/http.hpp"

namespace codasync::api {

/// Returns: the form of an answer in the cache: status line, headers, empty line, body, which Nginx
/// sends as it is (nginx/README.md). Only 200 is stored.
std::string to_stored(const Response& response);

/// Returns: the answer again, or nothing when the bytes are not of that form: anybody who reaches
/// Memcached can store others. nginx/answer_cache has the same rules: names of letters, digits and
/// `-`, values without control characters, none of the fields that frame an answer, a body.
std::optional<Response> from_stored(std::string_view bytes);

}  // namespace codasync::api
