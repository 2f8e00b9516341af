#include "storage/import/dialect.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "storage/import/csv_reader.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

constexpr std::array kDelimiters{',', ';', '\t', '|'};

bool is_line_end(char c) { return c == '\n' || c == '\r'; }

/// Returns: the delimiter of a first line `sep=;`, as Excel reads and writes it.
std::optional<char> declared_delimiter(std::string_view head) {
  auto line = head.substr(0, std::min(head.find_first_of("\r\n"), head.size()));
  line = line.substr(0, std::min(line.find_last_not_of(' ') + 1, line.size()));
  if (line.starts_with('"') && line.ends_with('"') && line.size() > 1)
    line = line.substr(1, line.size() - 2);
  if (line.size() != 5) return std::nullopt;
  std::string lower;
  for (const char c : line.substr(0, 4)) lower.push_back(c >= 'A' && c <= 'Z' ? char(c + 32) : c);
  const char delimiter = line[4];
  if (lower != "sep=" || delimiter == '"') return std::nullopt;
  return delimiter;
}

/// Returns: the most frequent delimiter of the first line, outside quotes.
char most_frequent_delimiter(std::string_view head) {
  std::array<std::size_t, kDelimiters.size()> counts{};
  bool quoted = false;
  const auto first = std::ranges::find_if_not(head, is_line_end);
  for (auto c = first; c != head.end() && (quoted || !is_line_end(*c)); ++c) {
    if (*c == '"') quoted = !quoted;
    for (std::size_t i = 0; i < kDelimiters.size(); ++i) {
      if (!quoted && *c == kDelimiters[i]) ++counts[i];
    }
  }
  return kDelimiters[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())];
}

/// The record that looks most like a header.
struct Found {
  std::size_t recognised{0};
  std::size_t columns{0};
  std::size_t record{0};
};

Found find_header(ImportKind kind, std::string_view head, char delimiter,
                  const ColumnOptions& options) {
  bool read = false;
  CsvReader reader{[&] { return std::exchange(read, true) ? std::string_view{} : head; },
                   delimiter};
  Found best;
  for (std::size_t i = 0; i <= kRecordsBeforeHeaderMax; ++i) {
    const auto* record = reader.next();
    if (record == nullptr) break;
    const auto recognised = count_recognised(kind, record->fields, options);
    if (recognised > best.recognised) best = {recognised, record->fields.size(), i};
  }
  return best;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Returns: whether the text begins with a JSON array of objects, or with an empty one.
bool begins_json_array(std::string_view text) {
  if (!text.starts_with('[')) return false;
  text.remove_prefix(1);
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == ']');
}

}  // namespace

Dialect recognise_dialect(ImportKind kind, std::string_view head, const ColumnOptions& options) {
  const auto declared = declared_delimiter(head);
  if (declared) {
    const auto found = find_header(kind, head, *declared, options);
    return {*declared, found.recognised > 0 ? found.record : 1};
  }
  Found best;
  Dialect dialect{most_frequent_delimiter(head), 0};
  for (const char delimiter : kDelimiters) {
    const auto found = find_header(kind, head, delimiter, options);
    const bool better = found.recognised > best.recognised ||
                        (found.recognised > 0 && found.recognised == best.recognised &&
                         found.columns > best.columns);
    if (!better) continue;
    best = found;
    dialect = {delimiter, found.record};
  }
  return dialect;
}

std::string explain_other_format(std::string_view front) {
  using namespace std::string_view_literals;
  static constexpr std::string_view kSave =
      " Save it as \"CSV UTF-8\" (in a spreadsheet: File, Save As) and import that file.";
  const auto says = [](std::string_view what) {
    return "This is " + std::string{what} + "." + std::string{kSave};
  };
  if (front.starts_with("PK\x03\x04"sv) || front.starts_with("PK\x05\x06"sv)) {
    if (contains(front, "opendocument")) return says("an OpenDocument spreadsheet (.ods)");
    if (contains(front, "[Content_Types].xml") || contains(front, "xl/") ||
        contains(front, "_rels/")) {
      return says("an Excel workbook (.xlsx)");
    }
    return "This is a ZIP archive. Unpack it and import the CSV file in it.";
  }
  if (front.starts_with("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv))
    return says("an old Excel workbook (.xls)");
  if (front.starts_with("%PDF-"sv))
    return "This is a PDF document. Export the data as CSV instead.";
  if (front.starts_with("\x28\xB5\x2F\xFD"sv) || front.starts_with("BZh"sv) ||
      front.starts_with("\xFD"
                        "7zXZ"sv) ||
      front.starts_with("7z\xBC\xAF"sv)) {
    return "This is a compressed file. Unpack it first; .gz files can be imported as they are.";
  }
  if (front.starts_with("SQLite format 3"sv))
    return "This is an SQLite database. Export the table as CSV.";
  auto text = front;
  if (text.starts_with("\xEF\xBB\xBF"sv)) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string lower;
  for (const char c : text) lower.push_back(c >= 'A' && c <= 'Z' ? char(c + 32) : c);
  if (lower.starts_with("<!doctype html") || lower.starts_with("<html") ||
      lower.starts_with("<head") || lower.starts_with("<table") || lower.starts_with("<body")) {
    return "This is a web page (HTML), not a CSV file. It may be the sign-in page of the system "
           "that "
           "should have exported the file.";
  }
  if (lower.starts_with("<?xml")) return "This is an XML file. Export the data as CSV instead.";
  if (begins_json_array(text))
    return "This is a JSON array. Write one object on each line (JSON lines), or CSV.";
  return {};
}

}  // namespace codasync::storage
