#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/outcome.hpp"
#include "storage/model/time.hpp"

// Dates as files have them. Everything here is pure.

namespace codasync::storage {

/// Why a text is no date that can be used.
enum class DateRefusal {
  not_a_date,
  not_iso,     // it may be one in another format, but the order of day and month would be a guess
  no_day,      // year and month only
  day_number,  // five digits: probably the number of days that a spreadsheet stores
  in_other_zone,  // a time with an offset that is not midnight: the day depends on the time zone
};

/// Returns: the reason as a sentence for the user.
std::string_view explain(DateRefusal refusal);

/// Returns: the date of a text in one of the spellings of ISO 8601 and RFC 3339 that have one
/// meaning: 2026-12-24, 2026-3-1, 20261224, 2026/12/24, 2026-W52-4, 2026-358, each also with a time
/// of day, which is not used. A time with an offset has to be midnight.
Outcome<Date, DateRefusal> parse_iso_date(std::string_view text);

/// Returns: whether the text has the form of a date in any common format.
bool looks_like_date(std::string_view text);

/// A format for dates that are not ISO, from the option --date-format.
class DateFormat {
 public:
  /// Returns: the format of a pattern of D, DD, M, MM, MMM or MMMM (the name of a month, or at
  /// least three letters of it, in the languages of the headers), YY (2000 to 2099), YYYY and other
  /// characters, such as DD.MM.YYYY; or of `excel`, the number of days
  /// that a spreadsheet stores. A pattern has a year and a month; without a day it is the last day
  /// of the month. Nullopt for any other text.
  static std::optional<DateFormat> parse(std::string_view pattern);

  /// Returns: the date of a text in this format, with a time of day after it at most; nullopt for
  /// any other text.
  [[nodiscard]] std::optional<Date> read(std::string_view text) const;

  /// Returns: the format with the day where the month is and the month where the day is; nullopt:
  /// it does not have both as numbers.
  [[nodiscard]] std::optional<DateFormat> with_day_and_month_swapped() const;

  /// Returns: a pattern of this format, such as DD.MM.YYYY. Requires: it is not `excel`.
  [[nodiscard]] std::string pattern() const;

 private:
  enum class Part { day, month, month_name, year_of_century, year, literal };
  struct Token {
    Part part;
    bool padded{true};  // exactly two digits
    char literal{};
  };

  bool is_day_number_{false};
  std::vector<Token> tokens_;
};

}  // namespace codasync::storage
