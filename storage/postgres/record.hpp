#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "storage/model/reading.hpp"

namespace codasync::storage::postgres {

/// Writes rows into an array literal.
class RowWriter {
 public:
  template <class... Values>
  void row(const std::tuple<Values...>& values) {
    text_ += text_.size() > 1 ? ",\"(" : "\"(";
    bool begun = false;
    const auto put_next = [&](const auto& value) {
      if (std::exchange(begun, true)) text_ += ',';
      put(value);
    };
    std::apply([&](const auto&... value) { (put_next(value), ...); }, values);
    text_ += ")\"";
  }

  std::string done() { return std::move(text_ += '}'); }

 private:
  template <class Value>
  void put(const std::optional<Value>& value) {
    if (value) put(*value);
  }
  void put(std::int64_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text_.append(digits.data(), end);
  }
  void put(int number) { put(std::int64_t{number}); }
  void put(bool truth) { text_ += truth ? 't' : 'f'; }
  void put(Instant moment) { put(std::int64_t{moment.time_since_epoch().count()}); }
  void put(Date date) { put(std::int64_t{std::chrono::sys_days{date}.time_since_epoch().count()}); }
  void put(const Uuid& uuid) { text_ += to_string(uuid); }
  void put(DateKind kind) { text_ += name_of(kind); }
  void put(const std::string& text) { put(std::string_view{text}); }
  void put(std::string_view text) {
    text_ += "\\\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') text_ += "\\\\\\";
      text_ += c;
    }
    text_ += "\\\"";
  }

  std::string text_{'{'};
};

/// Returns: an array literal with an element for each of `range`, a row of a composite type:
/// `{"(1,,\"tea\")"}`. `values` makes a tuple of the row's values. Moments are microseconds and
/// dates days since 1970. PostgreSQL, Arrays and Composite Types: nothing between two commas is a
/// null; what is quoted in a row is quoted once more in the array, and both quote with a backslash.
template <class Range, class Values>
std::string array_of_rows(const Range& range, Values&& values) {
  RowWriter writer;
  for (const auto& item : range) writer.row(values(item));
  return writer.done();
}

}  // namespace codasync::storage::postgres
