#include "storage/import/columns.hpp"

#include <set>
#include <utility>

#include "storage/import/column_choice.hpp"
#include "storage/import/column_names.hpp"
#include "storage/import/column_questions.hpp"
#include "storage/import/header_names.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Header = std::span<const std::string_view>;

}  // namespace

std::string_view Column::of(std::span<const std::string_view> fields) const {
  for (const auto position : positions_) {
    if (position >= fields.size()) continue;
    const auto field = trim(fields[position]);
    if (!field.empty()) return field;
  }
  return {};
}

const Column& ColumnPlan::operator[](ImportField field) const {
  static const Column kNone;
  const auto found = fields.find(field);
  return found == fields.end() ? kNone : found->second;
}

std::size_t count_recognised(ImportKind kind, Header header, const ColumnOptions& options) {
  std::set<ImportField> fields;
  std::size_t others = 0;
  for (const auto column : header) {
    if (is_blank_header(column)) continue;
    if (const auto meaning = meaning_of(column)) {
      if (meaning->kind == HeaderMeaning::Kind::known_unused || !has_field(kind, meaning->field)) {
        continue;
      }
      fields.insert(meaning->field);
    }
  }
  for (const auto& [field, name] : options.map) {
    if (!find_columns(header, name).empty() && !name.starts_with('#')) ++others;
  }
  return fields.size() + others;
}

ColumnPlan plan_columns(ImportKind kind, Header header, std::span<const SampleRow> sample,
                        const ColumnOptions& options) {
  const ColumnInput input{kind, header, sample, options};
  auto choice = choose_columns(input);
  ask_about(choice, input);
  return std::move(choice.plan);
}

}  // namespace codasync::storage
