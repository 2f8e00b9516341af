#include "storage/model/spreadsheet_text.hpp"

#include <algorithm>
#include <array>

namespace codasync {

bool runs_as_formula(std::string_view cell) {
  // The last four are full-width: spreadsheets with an East Asian language run them too.
  static constexpr std::array<std::string_view, 11> kStarts{
      "=", "+", "-", "@", "\t", "\r", "\n", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
  cell.remove_prefix(std::min(cell.find_first_not_of('\''), cell.size()));
  return std::ranges::any_of(kStarts, [&](auto start) { return cell.starts_with(start); });
}

std::string protected_cell(std::string_view text) {
  return (runs_as_formula(text) ? "'" : "") + std::string{text};
}

}  // namespace codasync
