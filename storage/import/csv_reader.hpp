#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace codasync::storage {

inline constexpr std::size_t kCsvFieldBytesMax = 64UL * 1024;
inline constexpr std::size_t kCsvColumnsMax = 1'000;
inline constexpr std::size_t kCsvRecordBytesMax = 1024UL * 1024;

/// Why one record could not be read. The reader continues with the next one.
enum class CsvRefusal {
  field_too_long,
  too_many_columns,
  record_too_long,
  text_after_quote,
  quote_not_closed,
  // of JSON lines
  not_an_object,
  nested_value,
  unknown_member,
  repeated_member,
};

/// Returns: the reason as a sentence for the user.
std::string_view explain(CsvRefusal refusal);

struct CsvRecord {
  std::size_t line{0};                   // on which it starts, from 1; quoted line ends count
  std::vector<std::string_view> fields;  // without their quotes; empty when the record is refused
  std::optional<CsvRefusal> refusal;
  bool at_end{false};  // the text ended without a line end after it
};

/// Returns the next piece of a text, valid until the next call; an empty one at the end.
using TextPieces = std::function<std::string_view()>;

/// Records of delimiter-separated values (RFC 4180), in bounded memory. Lines end with LF, CRLF or
/// CR; blank lines are skipped; a quote inside an unquoted field is text; blanks before an opening
/// and after a closing quote are no text. A record longer than kCsvRecordBytesMax probably lacks a
/// closing quote and ends with its line.
///
/// Not libcsv, because it has neither line numbers nor limits: after a missing quote it would read
/// the rest of the file into memory. Threads: one at a time.
class CsvReader {
 public:
  /// `pieces`: the text in UTF-8; its exceptions pass through next().
  CsvReader(TextPieces pieces, char delimiter);

  /// Returns: the next record, valid until the next call, or null at the end.
  const CsvRecord* next();

 private:
  enum class Place {
    record_start,
    field_start,
    leading_blank,
    plain,
    quoted,
    after_quote,
    trailing_blank
  };

  bool fill();
  void take(char c);
  void take_run();
  void store(std::string_view text);
  void drop_field();
  void count_line(char line_end);
  void refuse(CsvRefusal refusal);
  void end_field();
  void end_record();

  TextPieces pieces_;
  const char delimiter_;
  std::string_view ahead_;  // of the piece
  std::array<bool, 256> ends_plain_run_{};

  Place place_{Place::record_start};
  std::size_t line_{1};
  char last_line_end_{'\0'};  // the previous character if it ended a line: CRLF is one line end

  CsvRecord record_;
  bool complete_{false};
  std::size_t record_bytes_{0};
  std::string text_;                     // of all its fields, one after another
  std::vector<std::size_t> field_ends_;  // in text_
};

}  // namespace codasync::storage
