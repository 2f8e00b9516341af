#include "storage/model/time.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "storage/model/number.hpp"

namespace codasync {
namespace {

/// Takes exactly `count` digits off the front of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, count)) {
    if (!is_digit(c)) return std::nullopt;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return number;
}

bool take_char(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

enum class DateForm { full, short_too };  // short: one-digit months and days are allowed

/// Takes the digits of a month or a day.
std::optional<int> take_part(std::string_view& text, DateForm form) {
  const bool two = text.size() >= 2 && is_digit(text[1]);
  return take_digits(text, form == DateForm::full || two ? 2 : 1);
}

std::optional<Date> take_date(std::string_view& text, DateForm form) {
  const auto year = take_digits(text, 4);
  if (!year || *year == 0 || !take_char(text, '-')) return std::nullopt;
  const auto month = take_part(text, form);
  if (!month || !take_char(text, '-')) return std::nullopt;
  const auto day = take_part(text, form);
  if (!day) return std::nullopt;
  const Date date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                  std::chrono::day{static_cast<unsigned>(*day)}};
  return date.ok() ? std::optional{date} : std::nullopt;
}

/// Returns: hours and minutes of `HH:MM`.
std::optional<std::chrono::minutes> take_minutes(std::string_view& text) {
  const auto hours = take_digits(text, 2);
  if (!hours || *hours > 23 || !take_char(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
}

/// Takes the fraction of a second: one or more digits, of which six are used.
std::optional<std::chrono::microseconds> take_fraction(std::string_view& text) {
  std::chrono::microseconds fraction{0};
  std::chrono::microseconds unit{100'000};
  auto digit = take_digits(text, 1);
  if (!digit) return std::nullopt;
  for (; digit; digit = take_digits(text, 1)) {
    fraction += *digit * unit;
    unit /= 10;
  }
  return fraction;
}

/// Takes `Z` or `+HH:MM`. Returns: the offset from UTC.
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take_char(text, 'Z') || take_char(text, 'z')) return std::chrono::minutes{0};
  if (take_char(text, '+')) return take_minutes(text);
  if (!take_char(text, '-')) return std::nullopt;
  const auto behind = take_minutes(text);
  return behind ? std::optional{-*behind} : std::nullopt;
}

/// Appends exactly `width` digits.
void append_digits(std::string& text, std::int64_t number, std::size_t width) {
  const auto begin = text.size();
  text.append(width, '0');
  for (auto at = begin + width; at > begin; number /= 10) {
    text[--at] = static_cast<char>('0' + number % 10);
  }
}

constexpr Instant kFirst{std::chrono::sys_days{std::chrono::year{1} / 1 / 1}};
constexpr Instant kEnd{std::chrono::sys_days{std::chrono::year{10000} / 1 / 1}};

}  // namespace

Instant now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::optional<Date> parse_date(std::string_view text) {
  const auto date = take_date(text, DateForm::short_too);
  return text.empty() ? date : std::nullopt;
}

std::string to_string(Date date) {
  assert(date.ok());
  std::string text;
  text.reserve(10);
  append_digits(text, int{date.year()}, 4);
  text.push_back('-');
  append_digits(text, unsigned{date.month()}, 2);
  text.push_back('-');
  append_digits(text, unsigned{date.day()}, 2);
  return text;
}

bool is_expiry_date(Date date, Date today) {
  return date >= kExpiryDateMin && date <= today + kExpiryYearsAhead;
}

std::string_view explain_expiry_date() {
  return "An expiry date must be from 2000-01-01 to 100 years from now.";
}

Date date_of(Instant instant) { return std::chrono::floor<std::chrono::days>(instant); }

std::optional<Instant> parse_instant(std::string_view text) {
  const auto date = take_date(text, DateForm::full);
  if (!date || !(take_char(text, 'T') || take_char(text, 't'))) return std::nullopt;
  const auto minutes = take_minutes(text);
  if (!minutes || !take_char(text, ':')) return std::nullopt;
  const auto seconds = take_digits(text, 2);
  if (!seconds || *seconds > 59) return std::nullopt;
  std::optional<std::chrono::microseconds> fraction{0};
  if (take_char(text, '.')) fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;

  const Instant instant = std::chrono::sys_days{*date} + *minutes + std::chrono::seconds{*seconds} +
                          *fraction - *offset;
  if (instant < kFirst || instant >= kEnd) return std::nullopt;
  return instant;
}

std::string to_string(Instant instant) {
  assert(instant >= kFirst && instant < kEnd);
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::hh_mm_ss time{instant - day};
  auto text = to_string(Date{day});
  text.push_back('T');
  append_digits(text, time.hours().count(), 2);
  text.push_back(':');
  append_digits(text, time.minutes().count(), 2);
  text.push_back(':');
  append_digits(text, time.seconds().count(), 2);
  if (time.subseconds().count() != 0) {
    text.push_back('.');
    append_digits(text, time.subseconds().count(), 6);
    text.erase(text.find_last_not_of('0') + 1);
  }
  text.push_back('Z');
  return text;
}

}  // namespace codasync
