#pragma once

#include <string_view>

#include "storage/model/barcode/element_list.hpp"

namespace codasync::barcode {

/// The elements of a web address. `is_digital_link`: its path has a key, such as /01/{gtin}.
struct Link : ElementList {
  bool is_digital_link{false};
};

/// Returns: whether the text from `begin` is an address of HTTP.
bool is_web_address(std::string_view code, std::size_t begin);

/// Parses a GS1 Digital Link (GS1 Digital Link Standard: URI Syntax, 1.6) from `begin` to the end
/// of `code`: the right-most key in the path with its qualifiers, and the parameters that are AIs.
/// Other parameters and the fragment are ignored. The address is parsed only, never fetched.
/// Requires: is_web_address().
Link parse_digital_link(std::string_view code, std::size_t begin, Date today);

}  // namespace codasync::barcode
