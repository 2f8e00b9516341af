#pragma once

#include <cstdint>
#include <string>

#include "tests/faults/load/replay.hpp"

namespace codasync::faults {

/// The fields of a JSON object.
class Fields {
 public:
  Fields& add(const char* name, const std::string& value) {
    text_ += (text_.empty() ? "\"" : ",\"") + std::string{name} + "\":" + value;
    return *this;
  }
  Fields& add(const char* name, std::int64_t value) { return add(name, std::to_string(value)); }
  Fields& add_text(const char* name, const std::string& value) {
    return add(name, '"' + value + '"');
  }
  /// `number`: of the text; 0: null.
  Fields& add_text_or_null(const char* name, std::int64_t number,
                           std::string (*text)(std::int64_t)) {
    return number == 0 ? add(name, "null") : add_text(name, text(number));
  }
  [[nodiscard]] std::string object() const { return text_.empty() ? "" : '{' + text_ + '}'; }

 private:
  std::string text_;
};

/// Adds what an observation says of date, kind of date and quantity.
void add_date_and_quantity(const LedgerEvent& said, Fields& body);

}  // namespace codasync::faults
