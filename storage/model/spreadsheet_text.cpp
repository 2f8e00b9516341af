#include "storage/model/spreadsheet_text.hpp"

namespace codasync {

std::string protected_cell(std::string_view text) {
  constexpr std::string_view kFormulaStarts = "=+-@\t\r\n";
  const auto first = text.find_first_not_of('\'');
  const bool formula =
      first != std::string_view::npos && kFormulaStarts.find(text[first]) != std::string_view::npos;
  return (formula ? "'" : "") + std::string{text};
}

}  // namespace codasync
