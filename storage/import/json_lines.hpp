#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/import/csv_reader.hpp"

namespace codasync::storage {

/// Returns: whether a text is JSON lines: it begins with an object.
bool is_json_lines(std::string_view head);

/// Records of JSON lines: one object on each line, whose members are the columns. A member is a
/// text, a number (as it is written) or null; an absent one is null. The columns are those of the
/// first part of the text; an object with another member is refused, so that none is lost. Blank
/// lines are skipped. The limits are those of CsvReader. Threads: one at a time.
class JsonLines {
 public:
  /// `head`: the first part of the text. `pieces`: the whole text in UTF-8; its exceptions pass
  /// through next().
  JsonLines(std::string_view head, TextPieces pieces);

  /// Returns: the names of the members, in the order of their first occurrence.
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }

  /// Returns: the next record, whose fields are cells as in CSV, valid until the next call; null at
  /// the end.
  const CsvRecord* next();

 private:
  std::optional<std::string_view> next_line();
  std::optional<CsvRefusal> take(std::string_view line);

  TextPieces pieces_;
  std::string_view piece_;  // what is left of it
  std::string line_;
  bool line_is_too_long_{false};
  bool ended_{false};
  std::size_t number_{0};  // of the line

  std::vector<std::string> columns_;
  std::map<std::string, std::size_t, std::less<>> positions_;
  std::vector<std::string> cells_;
  CsvRecord record_;
};

}  // namespace codasync::storage
