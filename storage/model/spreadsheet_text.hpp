#pragma once

#include <string>
#include <string_view>

namespace codasync {

/// Returns: `text` as a cell of a file that no spreadsheet runs as a formula: with an apostrophe
/// before it if its first character, or the first one after apostrophes, is `=`, `+`, `-`, `@`, a
/// tab or a line end. An import drops this apostrophe, and only it (storage/import/README.md,
/// "Exports"). Pure.
std::string protected_cell(std::string_view text);

}  // namespace codasync
