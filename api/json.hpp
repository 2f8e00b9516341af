#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.hpp"
#include "storage/model/catalogue.hpp"
#include "storage/model/outcome.hpp"
#include "storage/model/reading.hpp"
#include "storage/token.hpp"

namespace codasync::api {

// Our values as JSON texts.
std::string to_json(const Shop& shop);
std::string to_json(const Product& product);
std::string to_json(const Reading& reading);
std::string to_json(const Reading& reading, EventOutcome outcome);  // answer to a write
std::string to_json(const HistoryEntry& entry);
std::string to_json(const storage::Token& token);
std::string to_json(const storage::Token& token, std::string_view secret);  // shown once

template <class Row>
std::string to_json(const std::vector<Row>& rows) {
  std::string out{"["};
  for (const auto& row : rows) {
    if (out.size() > 1) out.push_back(',');
    out += to_json(row);
  }
  out.push_back(']');
  return out;
}

/// A field of a body: left out, null, or a value. Also without a value when the value was wrong,
/// which finish() tells.
template <class T>
struct Field {
  bool given{false};
  std::optional<T> value{};
};

/// The fields of a JSON object that a client sent. Ask for each field once, then finish(): it names
/// every field that is wrong, missing or unknown, all at once. Threads: one.
class Body {
 public:
  /// Returns: the object, or 400 when the text is no JSON object, is nested deeper than 16 levels,
  /// or has a name twice.
  static Outcome<Body, Problem> parse(const std::string& text);

  Body(Body&&) noexcept;
  Body& operator=(Body&&) noexcept;
  ~Body();

  Field<std::string> name(const char* field);  // a text as refuse_name() wants it
  Field<std::int64_t> integer(const char* field, std::int64_t min, std::int64_t max);
  Field<Date> date(const char* field);
  Field<Instant> instant(const char* field);
  Field<Gtin> gtin(const char* field);
  Field<std::string> one_of(const char* field, std::initializer_list<std::string_view> words);
  Field<std::vector<std::int64_t>> integers(const char* field, std::int64_t min, std::int64_t max,
                                            std::size_t count_max);

  /// A field of our answers that a client may send back; its value does not matter.
  void read_only(std::initializer_list<const char*> fields);

  /// Adds an error of the caller's.
  void refuse(const char* field, std::string sentence);

  /// Adds "is required" unless a value was given.
  template <class T>
  void require(const char* field, const Field<T>& value) {
    if (!value.given) {
      refuse(field, "This field is required.");
    } else if (!value.value && !refused(field)) {
      refuse(field, "This field may not be null.");
    }
  }
  /// Adds "may not be null" where null was given.
  template <class T>
  void not_null(const char* field, const Field<T>& value) {
    if (value.given && !value.value && !refused(field)) {
      refuse(field, "This field may not be null.");
    }
  }

  /// Returns: the problem with this body, or nothing when every field was known and right.
  [[nodiscard]] std::optional<Problem> finish();

 private:
  struct Impl;
  explicit Body(std::unique_ptr<Impl> impl) noexcept;
  [[nodiscard]] bool refused(const char* field) const;
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api
