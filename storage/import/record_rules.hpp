#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/import/columns.hpp"
#include "storage/import/csv_reader.hpp"
#include "storage/import/rows.hpp"

namespace codasync::storage {

/// A copy of a record, which outlives the next one.
struct OwnRecord {
  explicit OwnRecord(const CsvRecord& record)
      : line{record.line},
        texts(record.fields.begin(), record.fields.end()),
        refusal{record.refusal},
        at_end{record.at_end} {}

  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& text : texts) sum += text.size();
    return sum;
  }
  [[nodiscard]] std::vector<std::string_view> fields() const {
    return {texts.begin(), texts.end()};
  }
  [[nodiscard]] CsvRecord record() const { return {line, fields(), refusal, at_end}; }

  std::size_t line;
  std::vector<std::string> texts;
  std::optional<CsvRefusal> refusal;
  bool at_end;
};

/// Returns: whether a record has no value. Spreadsheets write empty rows as separators only.
bool is_blank(const CsvRecord& record);

/// A field whose columns have to agree.
struct ComparedColumns {
  ImportField field;
  std::vector<std::size_t> positions;
};

/// The rules for a record as a whole. Threads: safe concurrently.
class RecordRules {
 public:
  /// `plan` must outlive this.
  RecordRules(const ColumnPlan& plan, char delimiter);

  /// Returns: why the row is refused whatever its fields say.
  [[nodiscard]] std::optional<RowRefusal> refuse(const CsvRecord& record) const;

 private:
  const ColumnPlan& plan_;
  const char delimiter_;
  const std::vector<ComparedColumns> compared_;
};

}  // namespace codasync::storage
