#pragma once

#include <string>
#include <string_view>

namespace codasync {

/// Returns: whether a spreadsheet may run a cell as a formula: its first character, or the first
/// one after apostrophes, is `=`, `+`, `-` or `@`, one of these in full width, a tab or a line end
/// (OWASP, "CSV Injection"). Pure.
bool runs_as_formula(std::string_view cell);

/// Returns: `text` as a cell of a file that no spreadsheet runs as a formula: with an apostrophe
/// before it if runs_as_formula(). An import drops this apostrophe, and only it
/// (storage/import/README.md, "Exports"). Pure.
std::string protected_cell(std::string_view text);

}  // namespace codasync
