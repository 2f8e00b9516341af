#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/export.hpp"

namespace codasync::api {

enum class ExportFormat { csv, ndjson };

/// Returns: `csv` or `ndjson`.
std::string_view name_of(ExportFormat format);
std::optional<ExportFormat> parse_export_format(std::string_view name);

/// Writes the records of an export as text: CSV (RFC 4180, lines end with LF) in which no cell is
/// run as a formula (storage/model/spreadsheet_text.hpp), or one JSON object per line. An empty
/// cell is null. Threads: one at a time.
class ExportWriter {
 public:
  ExportWriter(ExportFormat format, std::span<const storage::ExportColumn> columns);

  /// Appends the line with the names of the columns; JSON has none.
  void begin(std::string& out) const;
  /// Requires: the record has these columns.
  void add(const storage::ExportRecord& record, std::string& out) const;

 private:
  const ExportFormat format_;
  const std::span<const storage::ExportColumn> columns_;
};

/// An export as text, piece by piece.
class ExportText {
 public:
  ExportText(std::unique_ptr<storage::Export> records, storage::ExportKind kind,
             ExportFormat format);

  /// Replaces `out` with the next piece. Returns: false at the end. Throws: see Export::next().
  bool next(std::string& out);

  /// Returns: how many records were written.
  [[nodiscard]] std::uint64_t records() const noexcept { return count_; }

 private:
  std::unique_ptr<storage::Export> records_;
  ExportWriter writer_;
  std::uint64_t count_{0};
  bool started_{false};
};

}  // namespace codasync::api
