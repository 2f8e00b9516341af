#include "storage/import/date_format.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/import/header_names.hpp"
#include "storage/model/number.hpp"

namespace codasync::storage {
namespace {

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_letter(char c) { return is_ascii_letter(c) || static_cast<unsigned char>(c) >= 0x80; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Takes `least` to `most` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t count = 0;
  int number = 0;
  for (; count < most && count < text.size() && is_digit(text[count]); ++count) {
    number = number * 10 + (text[count] - '0');
  }
  if (count < least) return std::nullopt;
  text.remove_prefix(count);
  return number;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Takes a word of small letters, whatever its case in the text.
bool take_word(std::string_view& text, std::string_view word) {
  const auto front = text.substr(0, word.size());
  if (!std::ranges::equal(front, word, {}, lower)) return false;
  text.remove_prefix(word.size());
  return true;
}

std::size_t digits_at_front(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  return static_cast<std::size_t>(end - text.begin());
}

std::optional<Date> valid(int year, int month, int day) {
  const Date date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                  std::chrono::day{static_cast<unsigned>(day)}};
  return date.ok() && year > 0 ? std::optional{date} : std::nullopt;
}

struct TimeOfDay {
  bool midnight{true};
  bool has_offset{false};
};

/// Takes `T` or blanks, hours and minutes, and optionally seconds, a fraction, AM or PM, and an
/// offset.
std::optional<TimeOfDay> take_time(std::string_view& text) {
  if (!take(text, 'T') && !take(text, 't')) {
    if (!take(text, ' ')) return std::nullopt;
    while (take(text, ' ')) {
    }
  }
  TimeOfDay time;
  const auto hours = take_number(text, 1, 2);
  const bool colons = take(text, ':');
  const auto minutes = take_number(text, 2, 2);
  if (!hours || *hours > 24 || !minutes || *minutes > 59) return std::nullopt;
  int seconds = 0;
  if ((colons && take(text, ':')) || (!colons && digits_at_front(text) >= 2)) {
    const auto taken = take_number(text, 2, 2);
    if (!taken || *taken > 60) return std::nullopt;
    seconds = *taken;
  }
  bool fraction = false;
  if (take(text, '.') || take(text, ',')) {
    const auto count = digits_at_front(text);
    if (count == 0) return std::nullopt;
    fraction = text.substr(0, count).find_first_not_of('0') != std::string_view::npos;
    text.remove_prefix(count);
  }
  if (*hours == 24) return std::nullopt;  // midnight at the end of the day: two days have it
  while (take(text, ' ')) {
  }
  const bool am = take_word(text, "am");
  const bool pm = !am && take_word(text, "pm");
  if ((am || pm) && (*hours < 1 || *hours > 12)) return std::nullopt;
  const int of_day = am || pm ? *hours % 12 + (pm ? 12 : 0) : *hours;
  time.midnight = of_day == 0 && *minutes == 0 && seconds == 0 && !fraction;
  if (take(text, 'Z') || take(text, 'z')) {
    time.has_offset = true;
  } else if (take(text, '+') || take(text, '-')) {
    time.has_offset = true;
    if (!take_number(text, 2, 2)) return std::nullopt;
    take(text, ':');
    if (!text.empty() && !take_number(text, 2, 2)) return std::nullopt;
  }
  return time;
}

/// Takes a date with `separator` between its parts, or without.
std::optional<Date> take_iso(std::string_view& text) {
  const auto digits = digits_at_front(text);
  auto rest = text;
  const auto year = take_number(rest, 4, 4);
  if (!year) return std::nullopt;
  std::optional<Date> date;
  if (digits == 8) {
    const auto month = take_number(rest, 2, 2);
    const auto day = take_number(rest, 2, 2);
    date = valid(*year, *month, *day);
  } else if (digits == 7 ||
             (digits == 4 && rest.starts_with('-') && digits_at_front(rest.substr(1)) == 3)) {
    take(rest, '-');
    const auto of_year = take_number(rest, 3, 3);
    const auto first = std::chrono::year{*year} / 1 / 1;
    const Date day{std::chrono::sys_days{first} + std::chrono::days{*of_year - 1}};
    if (*year > 0 && *of_year > 0 && day.year() == first.year()) date = day;
  } else if (digits == 4) {
    const bool dashes = take(rest, '-');
    const bool slashes = !dashes && take(rest, '/');
    if (take(rest, 'W') || take(rest, 'w')) {
      const auto week = take_number(rest, 2, 2);
      if (dashes && !take(rest, '-')) return std::nullopt;
      const auto weekday = take_number(rest, 1, 1);
      if (slashes || !week || !weekday || *week < 1 || *week > 53 || *weekday < 1 || *weekday > 7)
        return std::nullopt;
      // Week 1 has the fourth of January; weeks begin on Monday.
      const std::chrono::sys_days fourth{std::chrono::year{*year} / 1 / 4};
      const auto monday = fourth - (std::chrono::weekday{fourth} - std::chrono::Monday);
      const auto day = monday + std::chrono::days{(*week - 1) * 7 + *weekday - 1};
      const std::chrono::sys_days next{std::chrono::year{*year + 1} / 1 / 4};
      if (day < next - (std::chrono::weekday{next} - std::chrono::Monday)) date = Date{day};
    } else {
      const char separator = dashes ? '-' : slashes ? '/' : '.';
      if (!dashes && !slashes && !take(rest, '.')) return std::nullopt;
      const auto month = take_number(rest, 1, 2);
      if (!month || !take(rest, separator)) return std::nullopt;
      const auto day = take_number(rest, 1, 2);
      if (day) date = valid(*year, *month, *day);
    }
  }
  if (date) text = rest;
  return date;
}

// In the languages of the headers, as plain_header() writes them; also the abbreviations that do
// not begin them.
constexpr std::array<std::string_view, 12> kMonths{
    "january|januar|janner|janvier|enero|gennaio|januari|janeiro|styczen|stycznia",
    "february|februar|feber|fevrier|febrero|febbraio|februari|fevereiro|luty|lutego",
    "march|marz|maerz|mrz|mars|marzo|maart|mrt|marco|marzec|marca",
    "april|avril|abril|aprile|kwiecien|kwietnia",
    "may|mai|mayo|maggio|mei|maio|maj|maja",
    "june|juni|juin|junio|giugno|junho|czerwiec|czerwca",
    "july|juli|juillet|julio|luglio|julho|lipiec|lipca",
    "august|aout|agosto|augustus|sierpien|sierpnia",
    "september|septembre|septiembre|setiembre|settembre|setembro|wrzesien|wrzesnia",
    "october|oktober|octobre|octubre|ottobre|outubro|pazdziernik|pazdziernika",
    "november|novembre|noviembre|novembro|listopad|listopada",
    "december|dezember|decembre|diciembre|dicembre|dezembro|grudzien|grudnia"};

bool has_name_that_begins_with(std::string_view names, std::string_view word) {
  for (auto at = names.find(word); at != names.npos; at = names.find(word, at + 1)) {
    if (at == 0 || names[at - 1] == '|') return true;
  }
  return false;
}

/// Takes the name of a month, or at least three of its letters with a full stop after them or not.
/// Returns: the month from 1; nullopt if no month has the name, or two have it.
std::optional<int> take_month_name(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_letter);
  const auto length = static_cast<std::size_t>(end - text.begin());
  const auto word = plain_header(text.substr(0, length));
  if (word.size() < 3) return std::nullopt;
  std::optional<int> month;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (!has_name_that_begins_with(kMonths[i], word)) continue;
    if (month) return std::nullopt;
    month = static_cast<int>(i) + 1;
  }
  text.remove_prefix(length);
  return month;
}

/// Returns: whether a text has year, month and day in this order, and no order of the last two is a
/// day of the calendar, as in 2026-02-30.
bool has_impossible_day(std::string_view text) {
  const auto year = take_number(text, 4, 4);
  if (!year || (!take(text, '-') && !take(text, '/') && !take(text, '.'))) return false;
  const auto month = take_number(text, 1, 2);
  if (!month || (!take(text, '-') && !take(text, '/') && !take(text, '.'))) return false;
  const auto day = take_number(text, 1, 2);
  return day && !valid(*year, *month, *day) && !valid(*year, *day, *month);
}

}  // namespace

std::string_view explain(DateRefusal refusal) {
  switch (refusal) {
    case DateRefusal::not_a_date:
      return "This is not a valid date. Write it as YYYY-MM-DD, or leave the field empty.";
    case DateRefusal::not_iso:
      return "The order of day and month is not certain. Write the date as YYYY-MM-DD, or use "
             "--date-format, such as --date-format DD/MM/YYYY.";
    case DateRefusal::no_day:
      return "The date has no day. Write it as YYYY-MM-DD; with --date-format, such as "
             "--date-format YYYY-MM or MM/YYYY, it is the last day of the month.";
    case DateRefusal::day_number:
      return "This may be a spreadsheet's number of days. Write the date as YYYY-MM-DD, or use "
             "--date-format excel.";
    case DateRefusal::in_other_zone:
      return "The day of this time depends on the time zone. Write the date as YYYY-MM-DD.";
  }
  __builtin_unreachable();
}

Outcome<Date, DateRefusal> parse_iso_date(std::string_view text) {
  auto rest = text;
  if (const auto date = take_iso(rest)) {
    if (rest.empty()) return *date;
    const auto time = take_time(rest);
    if (time && rest.empty()) {
      if (time->has_offset && !time->midnight) return DateRefusal::in_other_zone;
      return *date;
    }
  }
  const auto digits = digits_at_front(text);
  if (digits == 4 && text.size() >= 6 && text.size() <= 7 && (text[4] == '-' || text[4] == '/') &&
      digits_at_front(text.substr(5)) == text.size() - 5) {
    return DateRefusal::no_day;
  }
  if (digits == 5 && text.size() == 5) return DateRefusal::day_number;
  if (has_impossible_day(text)) return DateRefusal::not_a_date;
  return looks_like_date(text) ? DateRefusal::not_iso : DateRefusal::not_a_date;
}

bool looks_like_date(std::string_view text) {
  auto rest = text;
  if (take_iso(rest) && (rest.empty() || take_time(rest))) return true;
  // Digits, a month as digits or letters, and a year; in any order.
  rest = text;
  if (!rest.empty() && is_letter(rest.front())) {  // Dec 24, 2026
    if (!take_month_name(rest)) return false;
    const auto day = rest.find_first_of("0123456789");
    if (day == rest.npos) return false;
    rest.remove_prefix(day);
    if (!take_number(rest, 1, 2)) return false;
    take(rest, ',');
    while (take(rest, ' ') || take(rest, '-')) {
    }
    return take_number(rest, 4, 4) && (rest.empty() || rest.front() == ' ');
  }
  const auto first = take_number(rest, 1, 4);
  if (!first || rest.empty()) return false;
  const char separator = rest.front();
  if (std::string_view{"./- "}.find(separator) == std::string_view::npos) return false;
  rest.remove_prefix(1);
  const bool letters = !rest.empty() && is_letter(rest.front());
  if (letters) {
    std::size_t count = 0;
    while (!rest.empty() && (is_letter(rest.front()) || rest.front() == '.')) {
      rest.remove_prefix(1);
      ++count;
    }
    constexpr std::size_t kLongest = 14;  // bytes of the name of a month
    if (count < 3 || count > kLongest) return false;
  } else if (const auto second = take_number(rest, 1, 4); !second || separator == ' ') {
    return false;
  } else if (rest.empty()) {  // month and year
    return separator != '-' && separator != '.' && *first >= 1 && *first <= 12 && *second > 12;
  }
  if (rest.empty() || (rest.front() != separator && !letters)) return false;
  if (rest.front() == separator) rest.remove_prefix(1);
  if (!take_number(rest, 2, 4)) return false;
  return rest.empty() || rest.front() == ' ' || rest.front() == 'T';
}

std::optional<DateFormat> DateFormat::parse(std::string_view pattern) {
  DateFormat format;
  std::string plain;
  for (const char c : pattern) plain.push_back(lower(c));
  if (plain == "excel") {
    format.is_day_number_ = true;
    return format;
  }
  std::array<std::size_t, 3> counts{};  // of days, months, years
  for (std::size_t i = 0; i < plain.size();) {
    const char c = plain[i];
    if (c != 'd' && c != 'm' && c != 'y') {
      if (is_letter(c) || is_digit(c)) return std::nullopt;
      format.tokens_.push_back({.part = Part::literal, .literal = c});
      ++i;
      continue;
    }
    const auto end = std::min(plain.find_first_not_of(c, i), plain.size());
    const auto length = end - i;
    i = end;
    Token token{.part = Part::day, .padded = length == 2};
    if (c == 'd' && length <= 2) {
      ++counts[0];
    } else if (c == 'm' && length <= 4) {
      ++counts[1];
      token.part = length >= 3 ? Part::month_name : Part::month;
    } else if (c == 'y' && (length == 2 || length == 4)) {
      ++counts[2];
      token.part = length == 2 ? Part::year_of_century : Part::year;
    } else {
      return std::nullopt;
    }
    format.tokens_.push_back(token);
  }
  if (counts[0] > 1 || counts[1] != 1 || counts[2] != 1) return std::nullopt;
  // Between separators a day or month may have one digit.
  for (std::size_t i = 0; i < format.tokens_.size(); ++i) {
    const auto next_is_literal =
        i + 1 == format.tokens_.size() || format.tokens_[i + 1].part == Part::literal;
    const auto after_literal = i == 0 || format.tokens_[i - 1].part == Part::literal;
    if (next_is_literal && after_literal) format.tokens_[i].padded = false;
  }
  return format;
}

std::optional<DateFormat> DateFormat::with_day_and_month_swapped() const {
  DateFormat swapped{*this};
  const auto find = [&](Part part) {
    return std::ranges::find(swapped.tokens_, part, &Token::part);
  };
  const auto day = find(Part::day);
  const auto month = find(Part::month);
  if (day == swapped.tokens_.end() || month == swapped.tokens_.end()) return std::nullopt;
  std::swap(day->part, month->part);
  return swapped;
}

std::string DateFormat::pattern() const {
  std::string text;
  for (const auto& token : tokens_) {
    switch (token.part) {
      case Part::day:
        text += "DD";
        break;
      case Part::month:
        text += "MM";
        break;
      case Part::month_name:
        text += "MMM";
        break;
      case Part::year_of_century:
        text += "YY";
        break;
      case Part::year:
        text += "YYYY";
        break;
      case Part::literal:
        text.push_back(token.literal);
        break;
    }
  }
  return text;
}

std::optional<Date> DateFormat::read(std::string_view text) const {
  if (is_day_number_) {
    // Day 1 is 1900-01-01, and there is a day 60 that did not exist, so from 61 on it is this.
    constexpr std::chrono::sys_days kDayZero{std::chrono::year{1899} / 12 / 30};
    const auto digits = digits_at_front(text);
    auto rest = text;
    const auto number = take_number(rest, 5, 5);
    if (digits != 5) return std::nullopt;
    if (take(rest, '.') || take(rest, ',')) rest.remove_prefix(digits_at_front(rest));
    return rest.empty() ? std::optional{Date{kDayZero + std::chrono::days{*number}}} : std::nullopt;
  }
  std::optional<int> day;
  std::optional<int> month;
  std::optional<int> year;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const auto& token = tokens_[i];
    const std::size_t least = token.padded ? 2 : 1;
    const auto next_is = [&](char literal) {
      return i + 1 < tokens_.size() && tokens_[i + 1].literal == literal;
    };
    switch (token.part) {
      case Part::day:
        if (!(day = take_number(text, least, 2))) return std::nullopt;
        break;
      case Part::month:
        if (!(month = take_number(text, least, 2))) return std::nullopt;
        break;
      case Part::month_name:
        if (!(month = take_month_name(text))) return std::nullopt;
        if (!next_is('.')) take(text, '.');  // of an abbreviation
        break;
      case Part::year_of_century:
        if (!(year = take_number(text, 2, 2))) return std::nullopt;
        *year += 2000;
        break;
      case Part::year:
        if (!(year = take_number(text, 4, 4))) return std::nullopt;
        break;
      case Part::literal:
        if (!take(text, token.literal)) return std::nullopt;
        while (token.literal == '.' && !next_is(' ') && take(text, ' ')) {
        }
        break;
    }
  }
  if (!text.empty() && (!take_time(text) || !text.empty())) return std::nullopt;
  if (day) return valid(*year, *month, *day);
  if (*month < 1 || *month > 12) return std::nullopt;
  return Date{std::chrono::year{*year} / std::chrono::month{static_cast<unsigned>(*month)} /
              std::chrono::last};
}

}  // namespace codasync::storage
