#include "storage/model/barcode/gs1_date.hpp"

namespace codasync::barcode {
namespace {

int number(std::string_view digits, std::size_t at) {
  return (digits[at] - '0') * 10 + (digits[at + 1] - '0');
}

int year_of(int two_digits, int this_year) {
  const int century = this_year - this_year % 100;
  const int ahead = two_digits - this_year % 100;
  if (ahead >= 51) return century - 100 + two_digits;
  if (ahead <= -50) return century + 100 + two_digits;
  return century + two_digits;
}

}  // namespace

Outcome<Date, ParseError> parse_gs1_date(std::string_view digits, Date today, DayZero day_zero) {
  const std::chrono::year year{year_of(number(digits, 0), int{today.year()})};
  const std::chrono::month month{static_cast<unsigned>(number(digits, 2))};
  if (!month.ok()) return ParseError{2, "The month of this date is not 01 to 12."};
  const auto last = std::chrono::year_month_day_last{year, std::chrono::month_day_last{month}};
  const auto day = static_cast<unsigned>(number(digits, 4));
  if (day == 0) {
    if (day_zero == DayZero::last_of_month) return Date{last};
    return ParseError{4, "This date has no day."};
  }
  if (day > unsigned{last.day()}) return ParseError{4, "This month does not have this day."};
  return Date{year, month, std::chrono::day{day}};
}

std::optional<ParseError> refuse_time(std::string_view digits) {
  if (number(digits, 0) > 23) return ParseError{0, "The hour of this time is not 00 to 23."};
  if (number(digits, 2) > 59) return ParseError{2, "The minutes of this time are not 00 to 59."};
  return std::nullopt;
}

}  // namespace codasync::barcode
