#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.hpp"
#include "storage/model/gtin.hpp"
#include "storage/model/outcome.hpp"
#include "storage/model/time.hpp"

namespace codasync::api {

/// A field of a body: absent, null, or a value. It has no value when the value is not valid, which
/// Body::finish() reports.
template <class T>
struct Field {
  bool given{false};
  std::optional<T> value{};
};

/// The fields of a JSON object from a client. Read each field once, then call finish(), which
/// reports all invalid, missing and unknown fields together. Threads: one.
class Body {
 public:
  /// Returns: the object, or 400 when the text is not a JSON object, has more than 16 levels, or
  /// contains an object with a repeated name.
  static Outcome<Body, Problem> parse(const std::string& text);

  Body(Body&&) noexcept;
  Body& operator=(Body&&) noexcept;
  ~Body();

  // Fields that a client may set. An invalid value is reported by finish().

  /// A string: trimmed, then checked by refuse_name() (storage/model/text.hpp).
  Field<std::string> name(const char* field);
  /// A whole number from min to max. `7`, `7.0`, `70e-1` and `"7"` are equal.
  Field<std::int64_t> integer(const char* field, std::int64_t min, std::int64_t max);
  /// An expiry date: is_expiry_date() with the date of today in UTC.
  Field<Date> date(const char* field);
  /// A time of RFC 3339, as parse_instant() reads it.
  Field<Instant> instant(const char* field);
  /// A string, or a number without leading zeros, as in the Django API that CodaSync replaces.
  Field<Gtin> gtin(const char* field);
  /// One of these words, exactly.
  Field<std::string> one_of(const char* field, std::initializer_list<std::string_view> words);
  /// true or false.
  Field<bool> flag(const char* field);
  /// A list of objects. They refer to this body, and must not outlive it.
  Field<std::vector<Body>> objects(const char* field, std::size_t count_max);
  /// A list of at most `count_max` whole numbers, each as integer() reads it.
  Field<std::vector<std::int64_t>> integers(const char* field, std::int64_t min, std::int64_t max,
                                            std::size_t count_max);
  /// An object whose members are objects, by their names, which are trimmed and checked as in
  /// name(). Requires: this body outlives them. Each has its own finish().
  Field<std::map<std::string, Body>> objects_by_name(const char* field, std::size_t count_max);

  /// A list of 1 to `count_max` strings, each of at most `bytes_max` bytes in UTF-8, as they are.
  Field<std::vector<std::string>> texts(const char* field, std::size_t count_max,
                                        std::size_t bytes_max);

  // Fields of responses that a client may send back.

  /// Fields that the service computes, such as `version`. Their values are ignored, but must have
  /// the type that they have in responses.
  /// Requires: each is in kReadOnlyFields (body.cpp).
  void read_only(std::initializer_list<const char*> fields);
  /// The id of the row; null is refused. Which id it must be: own().
  Field<std::int64_t> own_id(const char* field);
  /// Refuses a value other than that of the path, for an identity that was read as a field.
  template <class T>
  void own(const char* field, const Field<T>& sent, const T& value) {
    if (sent.value && !(*sent.value == value)) refuse_identity(field);
  }

  // Rules about several fields and about null.

  /// Adds an error.
  void refuse(const char* field, std::string sentence);
  /// Adds an error when the field is absent or null.
  template <class T>
  void require(const char* field, const Field<T>& sent) {
    if (!sent.given) {
      refuse(field, "This field is required.");
    } else {
      not_null(field, sent);
    }
  }
  /// Adds an error when the field is null. `instead`: a sentence about what to send instead.
  template <class T>
  void not_null(const char* field, const Field<T>& sent, const std::string& instead = {}) {
    if (!sent.given || sent.value || refused(field)) return;
    refuse(field, "This field may not be null." + (instead.empty() ? "" : " " + instead));
  }
  /// Refuses an object without fields.
  void refuse_empty();

  /// Returns: nothing for a valid body; 400 for invalid, missing and unknown fields; otherwise 422
  /// `identity-is-fixed` for an identity other than that of the path.
  [[nodiscard]] std::optional<Problem> finish();

  /// Appends a canonical text. It is equal for JSON that differs only in the order of members,
  /// white space, escapes and the spelling of numbers (`12`, `12.0`, `1.2e1`). A string differs
  /// from a number.
  void append_canonical(std::string& text) const;

 private:
  struct Impl;
  explicit Body(std::unique_ptr<Impl> impl) noexcept;
  [[nodiscard]] bool refused(const char* field) const;
  void refuse_identity(const char* field);
  std::unique_ptr<Impl> impl_;
};

}  // namespace codasync::api
