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
/// Of a reading that is removed: what identifies it, and `"removed": true`.
std::string tombstone_json(const Reading& reading, EventOutcome outcome);
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
/// which finish() reports.
template <class T>
struct Field {
  bool given{false};
  std::optional<T> value{};
};

/// The fields of a JSON object that a client sent. Ask for each field once, then finish(): it names
/// every field that is wrong, missing or unknown, all at once. Threads: one.
class Body {
 public:
  /// Returns: the object, or 400 when the text is not a JSON object, is nested deeper than 16
  /// levels, or has a name twice in one object.
  static Outcome<Body, Problem> parse(const std::string& text);

  Body(Body&&) noexcept;
  Body& operator=(Body&&) noexcept;
  ~Body();

  // What a client may send. Each: the value, or a reason for finish() where it has another form.

  /// A string that is trimmed and then as refuse_name() wants it (storage/model/text.hpp).
  Field<std::string> name(const char* field);
  /// A whole number in these limits. Besides `7`, a client may write `7.0`, `70e-1` or `"7"`.
  Field<std::int64_t> integer(const char* field, std::int64_t min, std::int64_t max);
  /// An expiry date (is_expiry_date(), by the day in UTC).
  Field<Date> date(const char* field);
  Field<Instant> instant(const char* field);
  /// A string, or the number without leading zeros that the first service took too.
  Field<Gtin> gtin(const char* field);
  Field<std::string> one_of(const char* field, std::initializer_list<std::string_view> words);
  Field<std::vector<std::int64_t>> integers(const char* field, std::int64_t min, std::int64_t max,
                                            std::size_t count_max);

  // What a client may send back, because our answers contain it.

  /// Fields that the service computes, such as `version`. Their values change nothing, but must be
  /// of the form that answers have; null where it is null there.
  /// Requires: each is in the table of json.cpp.
  void read_only(std::initializer_list<const char*> fields);
  /// The id of the row. Another one than that of the address is refused, null too.
  void own_id(const char* field, std::int64_t id);
  /// Refuses another value than that of the address, for an identity that was read as a field.
  template <class T>
  void own(const char* field, const Field<T>& sent, const T& value) {
    if (sent.value && !(*sent.value == value)) refuse_identity(field);
  }

  // Rules between fields and about null.

  /// Adds an error of the caller's.
  void refuse(const char* field, std::string sentence);
  /// Adds "is required" when the field is left out, "may not be null" when it is null.
  template <class T>
  void require(const char* field, const Field<T>& sent) {
    if (!sent.given) {
      refuse(field, "This field is required.");
    } else {
      not_null(field, sent);
    }
  }
  /// Adds "may not be null" and `instead`, a sentence about what to do, when the field is null.
  template <class T>
  void not_null(const char* field, const Field<T>& sent, const std::string& instead = {}) {
    if (!sent.given || sent.value || refused(field)) return;
    refuse(field, "This field may not be null." + (instead.empty() ? "" : " " + instead));
  }
  /// Refuses a body without any field: a change of nothing is a mistake of its client.
  void refuse_empty();

  /// Returns: the problem with this body, or nothing when every field was known and right: 400 for
  /// wrong, missing and unknown fields, otherwise 422 `identity-is-fixed` for an identity that is
  /// not that of the address.
  [[nodiscard]] std::optional<Problem> finish();

  /// Appends a text that is the same for the same JSON: whatever the order of the members, the
  /// white space, the escapes and the spelling of numbers (`12`, `12.0`, `1.2e1`). A string is
  /// never the same as a number.
  void append_canonical(std::string& text) const;

 private:
  struct Impl;
  explicit Body(std::unique_ptr<Impl> impl) noexcept;
  [[nodiscard]] bool refused(const char* field) const;
  void refuse_identity(const char* field);
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api
