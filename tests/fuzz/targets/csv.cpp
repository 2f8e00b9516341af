// Records of files for an import. The first two bytes choose the delimiter, and the size of the
// pieces in which the reader gets the text.

#include <array>

#include "storage/import/csv_reader.hpp"
#include "tests/fuzz/targets/check.hpp"

using namespace codasync;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array kDelimiters{',', ';', '\t', '|'};
  if (size < 2) return 0;
  const auto text = fuzz::text_of(data + 2, size - 2);
  const std::size_t piece = 1 + data[1];
  std::size_t read = 0;
  const auto next_piece = [&] {
    const auto next = text.substr(read, piece);
    read += next.size();
    return next;
  };
  storage::CsvReader reader{next_piece, kDelimiters[data[0] % kDelimiters.size()]};
  std::size_t line = 0;
  std::size_t records = 0;
  while (const auto* record = reader.next()) {
    check(++records <= size, "a record has at least a byte");
    check(record->line > line || record->line == 1, "each record begins on a later line");
    line = record->line;
    check(record->fields.size() <= storage::kCsvColumnsMax, "a record has few columns");
    check(!record->refusal || record->fields.empty(), "a refused record has no fields");
    for (const auto field : record->fields)
      check(field.size() <= storage::kCsvFieldBytesMax, "a field is short");
  }
  check(read == text.size(), "all is read");
  return 0;
}
