#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/import/field.hpp"

// The columns of a file by name: as a user names one, and as messages do. Everything here is pure.

namespace codasync::storage {

/// Returns: the positions of the columns that `name` means: exactly this header, else the same
/// without case and punctuation (plain_header()), else the number, `#3`. Empty: none.
std::vector<std::size_t> find_columns(std::span<const std::string_view> header,
                                      std::string_view name);

/// Returns: whether a column has no name.
bool is_blank_header(std::string_view header);

/// Returns: whether a header is a question, such as `In stock?`: its values say yes or no.
bool is_question_header(std::string_view header);

/// Returns: a header for a message, shortened; a file can have any bytes there.
std::string shown_header(std::string_view header);

/// Returns: shown_header() in quotation marks.
std::string quoted_header(std::string_view header);

/// Returns: the first headers of a file, and how many more it has.
std::string list_of_headers(std::span<const std::string_view> header);

/// Returns: the option that takes a field from a column: `--map gtin="Code"`.
std::string map_option(ImportField field, std::string_view header);

}  // namespace codasync::storage
