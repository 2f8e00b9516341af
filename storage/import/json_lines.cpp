#include "storage/import/json_lines.hpp"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "storage/model/spreadsheet_text.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Size = rapidjson::SizeType;

/// Receives the members of one object. Each function returns whether to continue.
struct Members {
  std::function<std::optional<CsvRefusal>(std::string_view name, std::string cell)> take;
  std::optional<CsvRefusal> refusal{};
  std::string name{};
  bool inside{false};

  bool StartObject() {
    if (std::exchange(inside, true)) return stop(CsvRefusal::nested_value);
    return true;
  }
  bool Key(const char* text, Size size, bool) {
    name.assign(text, size);
    return true;
  }
  bool EndObject(Size) { return true; }
  bool Null() { return value({}); }
  /// What an import would take for a protection against formulas is a part of the text here.
  bool String(const char* text, Size size, bool) {
    return value(protected_cell(trim({text, size})));
  }
  bool RawNumber(const char* text, Size size, bool) { return value({text, size}); }
  bool Bool(bool) { return no_value(); }
  bool StartArray() { return no_value(); }
  bool EndArray(Size) { return false; }
  // Numbers arrive as they are written.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  bool no_value() { return stop(inside ? CsvRefusal::nested_value : CsvRefusal::not_an_object); }
  bool value(std::string cell) {
    if (!inside) return stop(CsvRefusal::not_an_object);
    if (cell.size() > kCsvFieldBytesMax) return stop(CsvRefusal::field_too_long);
    refusal = take(name, std::move(cell));
    return !refusal;
  }
  bool stop(CsvRefusal why) {
    refusal = why;
    return false;
  }
};

/// Returns: why the line is refused.
std::optional<CsvRefusal> read_object(std::string_view line, Members members) {
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::MemoryStream stream{line.data(), line.size()};
  rapidjson::Reader reader;
  if (!reader.Parse<kFlags>(stream, members).IsError()) return std::nullopt;
  return members.refusal ? members.refusal : CsvRefusal::not_an_object;
}

}  // namespace

bool is_json_lines(std::string_view head) {
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  return head.starts_with('{');
}

JsonLines::JsonLines(std::string_view head, TextPieces pieces) : pieces_{std::move(pieces)} {
  while (!head.empty() && columns_.size() < kCsvColumnsMax) {
    const auto end = std::min(head.find('\n'), head.size());
    // The rows tell which lines are refused.
    static_cast<void>(read_object(
        head.substr(0, end),
        {.take = [this](std::string_view name, const std::string&) -> std::optional<CsvRefusal> {
          if (positions_.try_emplace(std::string{name}, columns_.size()).second)
            columns_.emplace_back(name);
          return std::nullopt;
        }}));
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  cells_.resize(columns_.size());
}

/// Returns: the next line without its end; nothing at the end of the text.
std::optional<std::string_view> JsonLines::next_line() {
  line_.clear();
  line_is_too_long_ = false;
  while (!ended_) {
    if (piece_.empty()) {
      piece_ = pieces_();
      ended_ = piece_.empty();
      if (ended_ && line_.empty() && !line_is_too_long_) return std::nullopt;
      if (ended_) break;
    }
    const auto end = std::min(piece_.find('\n'), piece_.size());
    if (line_.size() + end > kCsvRecordBytesMax) line_is_too_long_ = true;
    if (!line_is_too_long_) line_ += piece_.substr(0, end);
    const bool complete = end < piece_.size();
    piece_.remove_prefix(std::min(end + 1, piece_.size()));
    if (complete) break;
  }
  if (ended_ && line_.empty() && !line_is_too_long_) return std::nullopt;
  ++number_;
  return line_;
}

const CsvRecord* JsonLines::next() {
  for (;;) {
    const auto line = next_line();
    if (!line) return nullptr;
    if (trim(*line).empty() && !line_is_too_long_) continue;
    record_.line = number_;
    record_.fields.clear();
    record_.refusal = line_is_too_long_ ? CsvRefusal::record_too_long : take(*line);
    if (!record_.refusal) record_.fields.assign(cells_.begin(), cells_.end());
    return &record_;
  }
}

std::optional<CsvRefusal> JsonLines::take(std::string_view line) {
  for (auto& cell : cells_) cell.clear();
  std::vector<bool> filled(cells_.size());
  return read_object(
      line, {.take = [&](std::string_view name, std::string cell) -> std::optional<CsvRefusal> {
        const auto position = positions_.find(name);
        if (position == positions_.end()) return CsvRefusal::unknown_member;
        if (filled[position->second]) return CsvRefusal::repeated_member;
        filled[position->second] = true;
        cells_[position->second] = std::move(cell);
        return std::nullopt;
      }});
}

}  // namespace codasync::storage
