#include "storage/import/record_rules.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "storage/import/cell.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Fields = std::span<const std::string_view>;

/// Returns: whether a field with line ends holds what looks like a row of the file: a quotation
/// mark is missing, and the rows up to the next one would become a part of a name.
bool holds_a_row(std::string_view field, char delimiter) {
  auto end = field.find_first_of("\r\n");
  while (end != field.npos) {
    field.remove_prefix(end + 1);
    end = field.find_first_of("\r\n");
    const auto line = field.substr(0, std::min(end, field.size()));
    for (std::size_t begin = 0; begin <= line.size();) {
      const auto stop = std::min(line.find(delimiter, begin), line.size());
      const auto part = line.substr(begin, stop - begin);
      const bool alone = begin == 0 && stop == line.size();
      if (!alone && part.size() >= 8 && gtin_of_cell(part)) return true;
      begin = stop + 1;
    }
  }
  return false;
}

std::vector<ComparedColumns> compared_columns(const ColumnPlan& plan) {
  std::vector<ComparedColumns> compared;
  for (const auto& [field, column] : plan.fields) {
    const auto& positions = column.positions();
    const auto used = [&](std::size_t position) {
      return plan.columns[position].use == ColumnUse::Use::compared;
    };
    if (std::ranges::any_of(positions, used)) compared.push_back({field, positions});
  }
  return compared;
}

bool agree(const ComparedColumns& columns, Fields fields) {
  std::optional<std::string> first;
  for (const auto position : columns.positions) {
    auto value = position < fields.size() ? plain_cell(fields[position]) : std::string{};
    if (value.empty()) continue;
    if (columns.field == ImportField::gtin) {
      const auto gtin = gtin_of_cell(value);
      if (!gtin && !first) return true;  // the row is refused because of this GTIN
      if (gtin) value = gtin->canonical();
    }
    if (!first) first = value;
    if (*first != value) return false;
  }
  return true;
}

}  // namespace

bool is_blank(const CsvRecord& record) {
  return !record.refusal && std::ranges::all_of(record.fields, [](std::string_view field) {
    return trim(field).empty();
  });
}

RecordRules::RecordRules(const ColumnPlan& plan, char delimiter)
    : plan_{plan}, delimiter_{delimiter}, compared_{compared_columns(plan)} {}

std::optional<RowRefusal> RecordRules::refuse(const CsvRecord& record) const {
  const auto refused = [&](std::string_view field, std::string reason) {
    return RowRefusal{record.line, std::string{field}, std::move(reason)};
  };
  if (record.refusal) return refused("", std::string{explain(*record.refusal)});
  const auto& fields = record.fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!plan_.is_named(i) && !trim(fields[i]).empty()) {
      return refused(
          "", i < plan_.columns.size()
                  ? "Field " + std::to_string(i + 1) +
                        " has a value, but its column has no name; a text that contains the "
                        "separator belongs in quotation marks. To import without the column: "
                        "--ignore \"#" +
                        std::to_string(i + 1) + "\"."
                  : "The row has more fields than the file has columns; a text that contains the "
                    "separator belongs in quotation marks.");
    }
    if (fields[i].find_first_of("\r\n") != std::string_view::npos &&
        holds_a_row(fields[i], delimiter_)) {
      return refused("", "A quotation mark is missing: field " + std::to_string(i + 1) +
                             " contains the next rows.");
    }
  }
  if (record.at_end && fields.size() < plan_.columns.size()) {
    return refused("",
                   "The last row has fewer fields than the others and no line end: the file "
                   "may have been cut.");
  }
  for (const auto& columns : compared_) {
    if (agree(columns, fields)) continue;
    std::string names;
    for (const auto position : columns.positions) {
      names += (names.empty() ? "\"" : ", \"") + plan_.columns[position].header + "\"";
    }
    return refused(columns.field == ImportField::gtin ? "GTIN" : name_of(columns.field),
                   "The columns " + names + " differ. To use one of them: --map " +
                       std::string{name_of(columns.field)} + "=\"Column\".");
  }
  return std::nullopt;
}

}  // namespace codasync::storage
