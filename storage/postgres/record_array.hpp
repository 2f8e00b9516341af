#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "storage/model/encoding.hpp"
#include "storage/model/time.hpp"
#include "storage/model/uuid.hpp"

namespace codasync::storage::postgres {

/// An array of rows of a composite type as a text literal, so that one parameter carries any number
/// of rows (PostgreSQL manual, 8.15.6 and 8.16.6).
class RecordArray {
 public:
  /// Adds a row. `values`: in the order of the type's columns. An Instant becomes microseconds
  /// since 1970; std::nullopt and Instant::min() become null.
  template <class... Values>
  void add(const Values&... values) {
    text_ += text_.size() > 1 ? ",\"(" : "\"(";
    (put_column(values), ...);
    text_.back() = ')';  // replaces the last comma
    text_ += '"';
  }

  std::string done() { return std::move(text_ += '}'); }

 private:
  template <class Value>
  void put_column(const Value& value) {
    put(value);
    text_ += ',';
  }
  template <class Value>
  void put(const std::optional<Value>& value) {
    if (value) put(*value);
  }
  void put(std::int64_t number) {
    char digits[20];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  }
  void put(bool truth) { text_ += truth ? 't' : 'f'; }
  void put(char code) { text_ += code; }
  void put(Date date) { text_ += to_string(date); }
  void put(Instant moment) {
    if (moment != Instant::min()) put(std::int64_t{moment.time_since_epoch().count()});
  }
  void put(const Uuid& uuid) { text_ += to_string(uuid); }
  void put(std::span<const std::uint8_t> bytes) { text_.append("\\\\\\\\x").append(to_hex(bytes)); }
  void put(std::string_view text) {
    // A quotation mark or a backslash is escaped for the row, and both characters for the array.
    text_ += "\\\"";
    for (const char c : text) {
      if (c == '"') {
        text_ += "\\\\\\\"";
      } else if (c == '\\') {
        text_ += "\\\\\\\\";
      } else {
        text_ += c;
      }
    }
    text_ += "\\\"";
  }

  std::string text_{'{'};
};

}  // namespace codasync::storage::postgres
