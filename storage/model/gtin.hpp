#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "storage/model/outcome.hpp"

namespace codasync {

enum class GtinRefusal {
  not_digits,
  scientific_notation,
  wrong_length,
  wrong_check_digit,
  all_zeros
};

/// Returns: the reason as a sentence for the user.
std::string_view explain(GtinRefusal refusal);

/// Returns: whether the last digit is the check digit of those before it. The weights 3, 1, 3, …
/// count from the right (GS1 General Specifications, section 7.9). Requires: digits only.
bool has_good_check_digit(std::string_view digits);

/// A Global Trade Item Number (GS1 General Specifications, section 3.3.2). GTIN-8, -12, -13 and -14
/// with the same number are one product; this class stores the number, below 10^14, and compares
/// like it.
class Gtin {
 public:
  /// Returns: the GTIN, or why the text is not one. Accepts exactly 8, 12, 13 or 14 digits with the
  /// right check digit, not all of them zeros; it neither trims nor guesses.
  static Outcome<Gtin, GtinRefusal> parse(std::string_view text);

  /// Returns: the GTIN-12 that a UPC-E symbol of these 8 digits stands for (GS1 General
  /// Specifications, section 5.2.2.4), or the refusal. The first digit is 0, or 1 as older
  /// symbols have it; the last one is the check digit of the GTIN-12.
  static Outcome<Gtin, GtinRefusal> parse_upc_e(std::string_view text);

  /// Requires: `number` came from number() of a valid GTIN, for example out of the database.
  static constexpr Gtin from_number(std::int64_t number) noexcept { return Gtin{number}; }

  [[nodiscard]] constexpr std::int64_t number() const noexcept { return number_; }

  /// Returns: the canonical form: without leading zeros, padded to the shortest of 8, 12, 13, 14
  /// digits.
  [[nodiscard]] std::string canonical() const;

  /// Returns: whether the number is for restricted circulation, which means valid inside one
  /// company only: a GTIN-13 starting 02, 04 or 20 to 29, a GTIN-12 starting 2 or 4 (the same
  /// numbers as 02 and 04), a GTIN-8 starting 0 or 2 (GS1 General Specifications, section 1.4.3). A
  /// GTIN-14 follows the number of the unit inside.
  [[nodiscard]] bool restricted() const noexcept;

  friend constexpr auto operator<=>(Gtin, Gtin) = default;

 private:
  constexpr explicit Gtin(std::int64_t number) noexcept : number_{number} {}
  std::int64_t number_;
};

}  // namespace codasync

template <>
struct std::hash<codasync::Gtin> {
  std::size_t operator()(codasync::Gtin gtin) const noexcept {
    return std::hash<std::int64_t>{}(gtin.number());
  }
};
