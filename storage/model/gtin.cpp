#include "storage/model/gtin.hpp"

#include <algorithm>

#include "storage/model/number.hpp"

namespace codasync {
namespace {

/// Returns: whether the text is a number in scientific notation, such as `8,02E+12`.
bool is_scientific(std::string_view text) {
  const auto exponent = text.find_first_of("eE");
  if (exponent == std::string_view::npos || exponent == 0) return false;
  const auto mantissa = text.substr(0, exponent);
  auto power = text.substr(exponent + 1);
  if (!power.empty() && (power.front() == '+' || power.front() == '-')) power.remove_prefix(1);
  const auto is_point = [](char c) { return c == '.' || c == ','; };
  return is_digit(mantissa.front()) && !power.empty() && std::ranges::all_of(power, is_digit) &&
         std::ranges::all_of(mantissa, [&](char c) { return is_digit(c) || is_point(c); }) &&
         std::ranges::count_if(mantissa, is_point) <= 1;
}

bool is_gtin_length(std::size_t length) {
  return length == 8 || length == 12 || length == 13 || length == 14;
}

constexpr std::int64_t kGtin8End = 100'000'000;
constexpr std::int64_t kGtin12End = 1'000'000'000'000;
constexpr std::int64_t kGtin13End = 10'000'000'000'000;

}  // namespace

std::string_view explain(GtinRefusal refusal) {
  switch (refusal) {
    case GtinRefusal::not_digits:
      return "A GTIN consists of digits only.";
    case GtinRefusal::scientific_notation:
      return "This is a number in scientific notation: a spreadsheet has lost the digits of the "
             "GTIN. Export the column again as text.";
    case GtinRefusal::wrong_length:
      return "A GTIN has 8, 12, 13 or 14 digits; leading zeros count.";
    case GtinRefusal::wrong_check_digit:
      return "The check digit is wrong: a digit of the GTIN is mistyped or missing.";
    case GtinRefusal::all_zeros:
      return "A GTIN of zeros only is a placeholder. Goods without a GTIN need a number of your "
             "own, such as one of 13 digits that begins with 2.";
  }
  __builtin_unreachable();
}

bool has_good_check_digit(std::string_view digits) {
  int sum = 0;
  int weight = 1;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, weight = 4 - weight) {
    sum += (*digit - '0') * weight;
  }
  return sum % 10 == 0;
}

Outcome<Gtin, GtinRefusal> Gtin::parse(std::string_view text) {
  if (!std::ranges::all_of(text, is_digit)) {
    return is_scientific(text) ? GtinRefusal::scientific_notation : GtinRefusal::not_digits;
  }
  if (!is_gtin_length(text.size())) return GtinRefusal::wrong_length;
  std::int64_t number = 0;
  for (const char digit : text) number = number * 10 + (digit - '0');
  if (number == 0) return GtinRefusal::all_zeros;
  if (!has_good_check_digit(text)) return GtinRefusal::wrong_check_digit;
  return Gtin{number};
}

Outcome<Gtin, GtinRefusal> Gtin::parse_upc_e(std::string_view text) {
  if (!std::ranges::all_of(text, is_digit)) return GtinRefusal::not_digits;
  if (text.size() != 8 || text[0] > '1') return GtinRefusal::wrong_length;
  // The sixth digit says where zeros were left out.
  const auto digits = text.substr(1, 5);
  const char last = text[6];
  const std::size_t kept = last <= '2' ? 2 : last == '3' ? 3 : last == '4' ? 4 : 5;
  std::string expanded{text[0]};
  expanded += digits.substr(0, kept);
  if (last <= '2') expanded += last;
  expanded.append(11 - expanded.size() - (5 - kept) - (last >= '5' ? 1 : 0), '0');
  expanded += digits.substr(kept);
  if (last >= '5') expanded += last;
  expanded += text[7];
  return parse(expanded);
}

std::string Gtin::canonical() const {
  const std::size_t length = number_ < kGtin8End    ? 8
                             : number_ < kGtin12End ? 12
                             : number_ < kGtin13End ? 13
                                                    : 14;
  const auto digits = std::to_string(number_);
  return std::string(length - digits.size(), '0') + digits;
}

bool Gtin::restricted() const noexcept {
  const auto unit = number_ % kGtin13End;
  if (unit < kGtin8End) {
    const auto first = unit / 10'000'000;
    return first == 0 || first == 2;
  }
  const auto prefix = unit / 100'000'000'000;  // the first two digits of the thirteen
  return prefix == 2 || prefix == 4 || (prefix >= 20 && prefix <= 29);
}

}  // namespace codasync
