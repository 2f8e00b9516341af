#include "storage/import/column_values.hpp"

#include <algorithm>
#include <optional>

#include "storage/import/cell.hpp"
#include "storage/model/number.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {

std::string_view cell_at(const SampleRow& row, std::size_t position) {
  return position < row.fields.size() ? trim(row.fields[position]) : std::string_view{};
}

Share share_of(std::span<const SampleRow> sample, std::size_t position,
               bool (*looks)(std::string_view)) {
  Share share;
  for (const auto& row : sample) {
    const auto value = cell_at(row, position);
    if (value.empty()) continue;
    ++share.filled;
    if (looks(value)) ++share.like;
  }
  return share;
}

std::size_t count_filled(std::span<const SampleRow> sample, std::size_t position) {
  return share_of(sample, position, [](std::string_view) { return true; }).filled;
}

bool is_gtin_or_damaged(std::string_view value) {
  if (gtin_of_cell(value)) return true;
  const auto refusal = Gtin::parse(value);
  return !refusal && refusal.error() == GtinRefusal::scientific_notation;
}

bool is_long_gtin(std::string_view value) {
  return value.size() >= 12 && static_cast<bool>(gtin_of_cell(value));
}

bool is_whole_number(std::string_view value) {
  return static_cast<bool>(parse_whole_number(plain_cell(value)));
}

bool has_digit(std::string_view value) {
  return std::ranges::any_of(value, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_above_one(std::string_view value) {
  const auto number = quantity_of_cell(value, std::nullopt);
  return number && *number > 1;
}

bool is_small_number(std::string_view value) {
  constexpr std::size_t kDigitsMax = 6;
  return value.size() <= kDigitsMax + 3 && static_cast<bool>(quantity_of_cell(value, std::nullopt));
}

}  // namespace codasync::storage
