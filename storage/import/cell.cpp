#include "storage/import/cell.hpp"

#include <algorithm>
#include <array>

#include "storage/model/event.hpp"
#include "storage/model/number.hpp"
#include "storage/model/spreadsheet_text.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

bool all_digits(std::string_view text) { return std::ranges::all_of(text, is_digit); }

bool all_zeros(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

/// Returns: the code point of a valid character of UTF-8.
char32_t code_point_of(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() == 1) return byte(0);
  char32_t code_point = byte(0) & (0xFFU >> (bytes.size() + 1));
  for (std::size_t i = 1; i < bytes.size(); ++i) code_point = code_point << 6U | (byte(i) & 0x3FU);
  return code_point;
}

/// Characters that are not seen, and that programs put around codes: controls, zero-width and
/// formatting characters, the soft hyphen.
bool is_invisible(char32_t c) {
  return (c > 0 && c < 0x20 && (c < '\t' || c > '\r')) || (c >= 0x7F && c < 0xA0) || c == 0xAD ||
         c == 0x61C || c == 0x180E || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

bool is_hyphen(char32_t c) { return (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xFF0D; }

/// The blanks that programs write between the digits of a number.
bool is_blank(char32_t c) { return c == 0xA0 || c == 0x2007 || c == 0x2009 || c == 0x202F; }

constexpr char32_t kTypographicApostrophe = 0x2019;

/// Returns: the digits of a GTIN as they are printed below its bars, `4 006381 333931`, without
/// their blanks; any other text unchanged.
std::string without_printed_blanks(const std::string& text) {
  static constexpr std::array<std::string_view, 3> kPrinted{"# ###### ######", "# ##### ##### #",
                                                            "#### ####"};  // EAN-13, UPC-A, EAN-8
  std::string form;
  std::string digits;
  for (const char c : text) {
    form.push_back(is_digit(c) ? '#' : c);
    if (c != ' ') digits.push_back(c);
  }
  return std::ranges::find(kPrinted, form) == kPrinted.end() ? text : digits;
}

/// Replaces the blanks and apostrophes between digits, which can only separate thousands. Returns:
/// whether there are any.
bool replace_blanks(std::string& text, char separator) {
  bool found = false;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if ((text[i] != ' ' && text[i] != '\'') || !is_digit(text[i - 1]) || !is_digit(text[i + 1]))
      continue;
    text[i] = separator;
    found = true;
  }
  return found;
}

/// Drops the separators of thousands. Returns: false when they are not where they belong.
bool drop_groups(std::string& text, DecimalMark mark) {
  const char grouping = mark == DecimalMark::point ? ',' : '.';
  const auto end = std::min(text.find(static_cast<char>(mark)), text.size());
  std::string plain;
  std::size_t begin = 0;
  for (auto at = text.find(grouping); at != std::string::npos; at = text.find(grouping, at + 1)) {
    const auto next = std::min({text.find(grouping, at + 1), end, text.size()});
    const auto before = at - begin;
    if (at > end || before == 0 || before > 3 || next != at + 4) return false;
    plain += text.substr(begin, before);
    begin = at + 1;
  }
  text = plain + text.substr(begin);
  return true;
}

/// Returns: whether a number has separators of thousands and more than one separator, so that one
/// of the decimal marks gives it a meaning, as in `1,000,000` and `1.000,0`.
bool may_have_groups(const std::string& text) {
  const auto is_separator = [](char c) { return c == '.' || c == ','; };
  if (std::ranges::count_if(text, is_separator) < 2) return false;
  return std::ranges::any_of(
      std::array{DecimalMark::point, DecimalMark::comma}, [&](DecimalMark mark) {
        auto number = text;
        return drop_groups(number, mark) && std::erase(number, static_cast<char>(mark)) <= 1 &&
               all_digits(number);
      });
}

/// Returns: `"x" (U+0078)` for the first character that is no digit.
std::string first_no_digit(std::string_view text) {
  const auto at = std::ranges::find_if_not(text, is_digit);
  const auto rest = text.substr(static_cast<std::size_t>(at - text.begin()));
  const auto length = utf8_length(rest);
  if (length == 0) return "a byte that is not valid UTF-8";
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string digits;
  for (auto c = code_point_of(rest.substr(0, length)); c > 0 || digits.size() < 4; c >>= 4U) {
    digits.insert(digits.begin(), kHex[c & 15U]);
  }
  const auto character = rest.substr(0, length);
  if (character == " ") return "a blank";
  const bool shown = !refuse_name(character);
  return (shown ? "\"" + std::string{character} + "\" (U+" : "the invisible character (U+") +
         digits + ")";
}

}  // namespace

std::string_view unprotected(std::string_view cell) {
  auto text = trim(cell);
  if (text.size() >= 3 && text.starts_with("=\"") && text.ends_with('"')) {
    return trim(text.substr(2, text.size() - 3));
  }
  return text.starts_with('\'') && runs_as_formula(text) ? text.substr(1) : text;
}

std::string plain_cell(std::string_view cell) {
  const auto without_invisible = [](std::string_view text) {
    std::string plain;
    while (!text.empty()) {
      const auto length = utf8_length(text);
      const auto bytes = text.substr(0, std::max<std::size_t>(length, 1));
      text.remove_prefix(bytes.size());
      const auto c = length == 0 ? U'?' : code_point_of(bytes);
      if (length == 0) {
        plain += bytes;
      } else if (c >= 0xFF10 && c <= 0xFF19) {
        plain.push_back(static_cast<char>('0' + (c - 0xFF10)));
      } else if (is_hyphen(c)) {
        plain.push_back('-');
      } else if (is_blank(c)) {
        plain.push_back(' ');
      } else if (c == kTypographicApostrophe) {
        plain.push_back('\'');
      } else if (!is_invisible(c)) {
        plain += bytes;
      }
    }
    return plain;
  };
  const auto visible = without_invisible(cell);
  auto text = unprotected(visible);
  if (text.size() > 1 && text.front() == '\'' && is_digit(text[1])) text.remove_prefix(1);
  return std::string{text};
}

Outcome<Gtin, std::string> gtin_of_cell(std::string_view cell) {
  std::string text = without_printed_blanks(plain_cell(cell));
  if (text.empty()) return std::string{"The GTIN is missing."};
  const auto point = text.find_last_of(".,");
  if (point != std::string::npos && point > 0 && point + 1 < text.size() &&
      all_digits(text.substr(0, point)) && all_zeros(text.substr(point + 1))) {
    text.resize(point);
  }
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool inside =
        i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]);
    if (text[i] != '-' || !inside) digits.push_back(text[i]);
  }
  const auto gtin = Gtin::parse(digits);
  if (gtin) return *gtin;
  std::string reason{explain(gtin.error())};
  if (gtin.error() == GtinRefusal::not_digits) {
    reason += " This has " + first_no_digit(digits) + ".";
  } else if (gtin.error() == GtinRefusal::wrong_check_digit) {
    if (const auto upc = Gtin::parse_upc_e(digits)) {
      reason += " If it is a UPC-E, write its twelve digits: " + upc->canonical() + ".";
    }
  } else if (gtin.error() == GtinRefusal::wrong_length && digits.size() == 11 &&
             Gtin::parse("0" + digits)) {
    reason += " A zero at the front may be lost: --restore-zeros adds it.";
  }
  return reason;
}

Outcome<std::int64_t, std::string> quantity_of_cell(std::string_view cell,
                                                    std::optional<DecimalMark> mark) {
  const std::string kRule = "The quantity must be a whole number from 0 to 2147483647";
  std::string text = plain_cell(cell);
  if (text.starts_with('+')) text.erase(0, 1);
  const auto refused = [&](std::string_view why) { return kRule + ": " + std::string{why}; };
  const auto quoted = "\"" + to_valid_utf8(text, 30) + "\"";
  const auto ask_for_mark = quoted +
                            " may have a separator of thousands or of decimals. Write it without "
                            "one, or use --decimal . or --decimal ,";
  const bool has_blanks = replace_blanks(text, mark == DecimalMark::comma ? '.' : ',');
  if (has_blanks && !mark && text.find_first_not_of("0123456789.,") == text.npos)
    return refused(ask_for_mark);
  if (!mark && may_have_groups(text)) return refused(ask_for_mark);
  if (mark && !drop_groups(text, *mark))
    return refused(quoted + " is not written with this --decimal.");
  const auto point = text.find_first_of(".,");
  if (point != std::string::npos && point > 0 && point + 1 < text.size() &&
      all_digits(text.substr(0, point)) && all_digits(text.substr(point + 1))) {
    const auto decimals = text.substr(point + 1);
    if (!mark && decimals.size() == 3) return refused(ask_for_mark);
    if (!all_zeros(decimals)) return refused(quoted + " has decimals.");
    text.resize(point);
  }
  const auto number = all_digits(text) ? parse_whole_number(text) : std::nullopt;
  if (!number || *number > kQuantityMax) {
    const bool negative = text.size() > 1 && text.starts_with('-') && is_digit(text[1]);
    return refused(quoted + (negative ? " is negative." : " is not one."));
  }
  return *number;
}

}  // namespace codasync::storage
