#include "storage/model/gtin.hpp"

#include <algorithm>

namespace codasync {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

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

/// Returns: whether the last digit is right. Weights 3, 1, 3, … count from the right, so leading
/// zeros change nothing.
bool has_good_check_digit(std::int64_t number) {
  std::int64_t sum = number % 10;
  for (std::int64_t rest = number / 10, weight = 3; rest > 0; rest /= 10, weight = 4 - weight) {
    sum += rest % 10 * weight;
  }
  return sum % 10 == 0;
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

Outcome<Gtin, GtinRefusal> Gtin::parse(std::string_view text) {
  if (!std::ranges::all_of(text, is_digit)) {
    return is_scientific(text) ? GtinRefusal::scientific_notation : GtinRefusal::not_digits;
  }
  if (!is_gtin_length(text.size())) return GtinRefusal::wrong_length;
  std::int64_t number = 0;
  for (const char digit : text) number = number * 10 + (digit - '0');
  if (number == 0) return GtinRefusal::all_zeros;
  if (!has_good_check_digit(number)) return GtinRefusal::wrong_check_digit;
  return Gtin{number};
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
