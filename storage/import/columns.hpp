#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/import/field.hpp"

namespace codasync::storage {

/// The columns that hold one value, the preferred one first.
class Column {
 public:
  Column() = default;
  explicit Column(std::vector<std::size_t> positions) : positions_{std::move(positions)} {}

  /// Returns: whether the file has any of them.
  explicit operator bool() const noexcept { return !positions_.empty(); }

  /// Returns: the first field that is not blank, without white space at its ends; empty when all
  /// are blank. A view into `fields`.
  [[nodiscard]] std::string_view of(std::span<const std::string_view> fields) const;

  [[nodiscard]] const std::vector<std::size_t>& positions() const noexcept { return positions_; }

 private:
  std::vector<std::size_t> positions_;
};

/// What the user says about the columns. A column is named by its header, without regard to case,
/// accents, blanks and punctuation, or by its number: `#3`.
struct ColumnOptions {
  std::vector<std::pair<ImportField, std::string>> map{};  // the field is in this column only
  std::vector<std::string> ignore{};
  bool shop_given{false};  // every row is of one shop: no column is needed
  bool date_format_given{false};
};

/// What an import does with a column.
struct ColumnUse {
  enum class Use {
    used,          // `field` is read from it
    fallback,      // `field` is read from it where the preferred column is empty
    compared,      // it has to hold the same as the column that is used
    ignored,       // by an option
    known_unused,  // known, and no part of such an import
    not_used,      // unknown
    unnamed,       // its header is empty: a row with a value here is refused
  };
  std::string header;
  Use use{Use::not_used};
  std::optional<ImportField> field{};
  std::vector<std::string> samples{};  // its first values, shortened
};

/// The first rows of a file: views of their fields, and the lines on which they begin.
struct SampleRow {
  std::size_t line;
  std::span<const std::string_view> fields;
};

/// The meaning of the columns of a file.
struct ColumnPlan {
  std::vector<ColumnUse> columns;      // in the order of the file
  std::vector<std::string> notes;      // sentences about decisions that the values made
  std::vector<std::string> questions;  // sentences, each with the option that answers it; not
                                       // empty: nothing can be imported
  std::map<ImportField, Column> fields;

  /// Returns: the columns of the field; none when the file does not have it.
  [[nodiscard]] const Column& operator[](ImportField field) const;

  /// Returns: whether a value at this position has a column that is named or ignored.
  [[nodiscard]] bool is_named(std::size_t position) const noexcept {
    return position < columns.size() && columns[position].use != ColumnUse::Use::unnamed;
  }
};

/// Returns: how many of the header's columns an import of this kind would use; the header of a file
/// is the row with the most.
std::size_t count_recognised(ImportKind kind, std::span<const std::string_view> header,
                             const ColumnOptions& options);

/// Decides what each column is for. `sample`: the first rows after the header; they decide where
/// the header does not.
ColumnPlan plan_columns(ImportKind kind, std::span<const std::string_view> header,
                        std::span<const SampleRow> sample, const ColumnOptions& options);

}  // namespace codasync::storage
