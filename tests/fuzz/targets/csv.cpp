// Files for an import. The stream is read whole; the text is UTF-8 or UTF-16.

#include <sstream>

#include "storage/import/csv_reader.hpp"
#include "storage/model/text.hpp"
#include "tests/fuzz/targets/check.hpp"

using namespace codasync;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream file{std::string{fuzz::text_of(data, size)}};
  storage::CsvReader reader{file};
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
  check(reader.source().bytes_read() == size && !reader.source().failed(), "all is read");
  return 0;
}
