#include "storage/import/column_names.hpp"

#include <algorithm>

#include "storage/import/header_names.hpp"
#include "storage/model/number.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Header = std::span<const std::string_view>;

constexpr std::size_t kColumnsShown = 20;
constexpr std::size_t kColumnCharactersShown = 40;

}  // namespace

std::vector<std::size_t> find_columns(Header header, std::string_view name) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (!is_blank_header(header[i]) && trim(header[i]) == trim(name)) found.push_back(i);
  }
  const auto plain = plain_header(name);
  for (std::size_t i = 0; found.empty() && !plain.empty() && i < header.size(); ++i) {
    if (plain_header(header[i]) == plain) found.push_back(i);
  }
  if (found.empty() && name.starts_with('#')) {
    const auto number = parse_positive(name.substr(1));
    if (number && static_cast<std::size_t>(*number) <= header.size())
      found.push_back(static_cast<std::size_t>(*number) - 1);
  }
  return found;
}

bool is_blank_header(std::string_view header) { return trim(header).empty(); }

bool is_question_header(std::string_view header) { return trim(header).ends_with('?'); }

std::string shown_header(std::string_view header) {
  const auto name = collapse_white_space(header);
  if (name.empty()) return "(empty)";
  if (refuse_name(name, 1'000)) return "(unreadable)";
  return to_valid_utf8(name, kColumnCharactersShown);
}

std::string quoted_header(std::string_view header) { return "\"" + shown_header(header) + "\""; }

std::string list_of_headers(Header header) {
  std::string list;
  for (const auto column : header.first(std::min(header.size(), kColumnsShown))) {
    if (!list.empty()) list += ", ";
    list += shown_header(column);
  }
  if (header.size() > kColumnsShown) {
    list += " and " + std::to_string(header.size() - kColumnsShown) + " more";
  }
  return list;
}

std::string map_option(ImportField field, std::string_view header) {
  return "--map " + std::string{name_of(field)} + "=" + quoted_header(header);
}

}  // namespace codasync::storage
