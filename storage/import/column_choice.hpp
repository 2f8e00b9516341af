#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "storage/import/columns.hpp"

namespace codasync::storage {

/// What plan_columns() gets.
struct ColumnInput {
  ImportKind kind;
  std::span<const std::string_view> header;
  std::span<const SampleRow> sample;
  const ColumnOptions& options;
};

/// A plan with the fields that headers, values and options decide.
struct ColumnChoice {
  ColumnPlan plan;
  std::set<ImportField> mapped{};  // by an option
  /// The question about a column of which only some values are GTINs.
  std::optional<std::string> weak_gtin{};
  bool shop_is_question{false};  // the plan has a question about the shop
};

/// Chooses the columns of each field. The plan has the questions that come up; those about what is
/// missing or left over come from ask_about() (column_questions.hpp). Pure.
ColumnChoice choose_columns(const ColumnInput& input);

}  // namespace codasync::storage
