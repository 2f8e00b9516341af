#include "storage/model/barcode/element.hpp"

#include <algorithm>

#include "storage/model/barcode/gs1_date.hpp"
#include "storage/model/gtin.hpp"

namespace codasync::barcode {
namespace {

std::string in_brackets(std::string_view ai) { return "(" + std::string{ai} + ")"; }

ParseError too_short(std::string_view ai, std::string_view value) {
  return {value.size(), "The value of " + in_brackets(ai) + " is too short."};
}

ParseError too_long(std::string_view ai, const ApplicationIdentifier& form) {
  return {form.length_max(), "The value of " + in_brackets(ai) + " is longer than " +
                                 std::to_string(form.length_max()) +
                                 ". Some scanners drop the separators (FNC1, byte 29) between "
                                 "values; switch them on."};
}

std::string_view explain(CharacterSet set) {
  switch (set) {
    case CharacterSet::digits:
      return "digits";
    case CharacterSet::set_82:
      return "letters, digits and some signs (GS1 character set 82)";
    case CharacterSet::set_39:
      return "capital letters, digits and #, -, /";
    case CharacterSet::base64url:
      return "the characters of base64url";
  }
  __builtin_unreachable();
}

/// Returns: what is wrong with the content of a part.
std::optional<ParseError> refuse_content(const Part& part, std::string_view text, Date today,
                                         std::optional<Date>& date) {
  switch (part.content) {
    case Content::any:
      return std::nullopt;
    case Content::check_digit:
      if (has_good_check_digit(text)) return std::nullopt;
      return ParseError{text.size() - 1,
                        "The check digit is wrong: a digit of this number is wrong."};
    case Content::date:
    case Content::full_date: {
      const auto parsed = parse_gs1_date(
          text, today, part.content == Content::date ? DayZero::last_of_month : DayZero::refused);
      if (!parsed) return parsed.error();
      date = *parsed;
      return std::nullopt;
    }
    case Content::time:
      return refuse_time(text);
    case Content::hour:
      if (text <= "23") return std::nullopt;
      return ParseError{0, "The hour of this time is not 00 to 23."};
    case Content::sixtieth:
      if (text <= "59") return std::nullopt;
      return ParseError{0, "The minutes and seconds of a time are 00 to 59."};
  }
  __builtin_unreachable();
}

}  // namespace

Outcome<Element, ParseError> make_element(std::string_view ai, const ApplicationIdentifier& form,
                                          std::string_view value, std::size_t at, Date today) {
  Element element{std::string{ai}, std::string{value}, at, std::nullopt};
  std::size_t begin = 0;
  for (std::size_t i = 0; i < form.part_count; ++i) {
    const auto& part = form.parts[i];
    if (part.optional && begin == value.size()) break;
    const auto text = value.substr(begin, part.length_max);
    if (const auto good = count_of(part.characters, text); good < text.size())
      return ParseError{begin + good, "The value of " + in_brackets(ai) + " may have only " +
                                          std::string{explain(part.characters)} + " here."};
    if (text.size() < part.length_min) return too_short(ai, value);
    std::optional<Date> date;
    if (auto error = refuse_content(part, text, today, date)) {
      error->at += begin;
      return *error;
    }
    if (begin == 0) element.date = date;
    begin += text.size();
  }
  if (begin < value.size()) return too_long(ai, form);
  return element;
}

std::optional<std::string> number_of(const Element& element) {
  const std::string_view ai{element.ai};
  if (ai.size() != 4 || ai[0] != '3' || ai < "3100") return std::nullopt;
  std::string_view digits{element.value};
  if (ai.starts_with("391") || ai.starts_with("393")) digits.remove_prefix(3);  // the currency
  const auto decimals = static_cast<std::size_t>(ai[3] - '0');
  std::string padded;
  if (digits.size() <= decimals) padded.assign(decimals + 1 - digits.size(), '0');
  padded += digits;
  const auto point = padded.size() - decimals;
  auto whole = padded.substr(0, point);
  auto fraction = padded.substr(point);
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return fraction.empty() ? whole : whole + "." + fraction;
}

}  // namespace codasync::barcode
