#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/model/reading.hpp"
#include "storage/postgres/arrays.hpp"

namespace codasync::storage::postgres {

/// The text of a row of a composite type, as an element of an array literal: `"(1,,\"tea\")"`.
/// Moments are microseconds and dates days since 1970. PostgreSQL, Composite Types: nothing between
/// two commas is a null.
class Record {
 public:
  template <class... Values>
  static std::string of(const Values&... values) {
    Record record;
    (record.add(values), ...);
    record.text_ += ')';
    return quoted(record.text_);
  }

 private:
  template <class Value>
  void add(const Value& value) {
    if (begun_) text_ += ',';
    begun_ = true;
    put(value);
  }

  template <class Value>
  void put(const std::optional<Value>& value) {
    if (value) put(*value);
  }
  void put(std::int64_t number) { text_ += std::to_string(number); }
  void put(int number) { text_ += std::to_string(number); }
  void put(bool truth) { text_ += truth ? 't' : 'f'; }
  void put(Instant moment) { put(std::int64_t{moment.time_since_epoch().count()}); }
  void put(Date date) { put(std::int64_t{std::chrono::sys_days{date}.time_since_epoch().count()}); }
  void put(const Uuid& uuid) { text_ += to_string(uuid); }
  void put(DateKind kind) { text_ += name_of(kind); }
  void put(const std::string& text) { put(std::string_view{text}); }
  void put(std::string_view text) { text_ += quoted(text); }

  std::string text_{'('};
  bool begun_{false};
};

}  // namespace codasync::storage::postgres
