#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace codasync::api {

/// Returns: the text with percent escapes decoded (RFC 3986), or nothing when an escape is cut or
/// not hexadecimal. In a query `+` is a space.
std::optional<std::string> decode_path(std::string_view text);
std::optional<std::string> decode_query(std::string_view text);

/// Returns: the text with all but unreserved characters escaped (RFC 3986, section 2.3).
std::string encode(std::string_view text);

/// The decoded parameters of a query, in the order of the query.
using Query = std::vector<std::pair<std::string, std::string>>;

/// Returns: the parameters, or nothing when an escape is invalid. Empty parts are skipped.
std::optional<Query> parse_query(std::string_view text);

}  // namespace codasync::api
