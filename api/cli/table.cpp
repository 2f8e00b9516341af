#include "api/cli/table.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace codasync::api::cli {
namespace {

/// Returns: the number of characters, without the following bytes of UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

}  // namespace

void Table::print() const {
  const bool aligned = ::isatty(STDOUT_FILENO) == 1;
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::cout << row[i];
      if (i + 1 == row.size()) continue;
      std::cout << (aligned ? std::string(widths[i] - width_of(row[i]) + 2, ' ') : "\t");
    }
    std::cout << '\n';
  }
  std::cout << std::flush;
}

}  // namespace codasync::api::cli
