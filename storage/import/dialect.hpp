#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "storage/import/columns.hpp"

namespace codasync::storage {

/// How a file of delimiter-separated values is written.
struct Dialect {
  char delimiter{','};
  std::size_t records_before_header{0};  // title lines, comments, `sep=;`
};

inline constexpr std::size_t kRecordsBeforeHeaderMax = 30;

/// Finds the delimiter (comma, semicolon, tab or pipe; or what a first line `sep=;` says) and the
/// header: the record of the first kRecordsBeforeHeaderMax with the most column names that are
/// known. Without any, the header is the first record. `head`: the first part of the text.
Dialect recognise_dialect(ImportKind kind, std::string_view head, const ColumnOptions& options);

/// Returns: a sentence that names the format and says what to do, for bytes that are not text, such
/// as a workbook; empty: none of the known formats.
std::string explain_other_format(std::string_view front);

}  // namespace codasync::storage
