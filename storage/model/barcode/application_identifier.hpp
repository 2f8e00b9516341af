#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// The GS1 application identifiers (AIs) and the form of their values. Everything here is pure.
namespace codasync::barcode {

/// The characters of a value (GS1 General Specifications, section 7.11; base64url: RFC 4648).
enum class CharacterSet : std::uint8_t { digits, set_82, set_39, base64url };

/// What is checked of a part of a value, besides its length and its characters.
enum class Content : std::uint8_t {
  any,
  check_digit,  // the last digit is one
  date,         // YYMMDD; DD = 00 is the last day of the month
  full_date,    // YYMMDD
  time,         // HHMM
  hour,         // HH
  sixtieth,     // minutes or seconds
};

/// A part of a value. Only the last part of an AI has a variable length; parts after an optional
/// one are optional too, and such a part is absent or complete.
struct Part {
  CharacterSet characters{};
  Content content{};
  std::uint8_t length_min{};
  std::uint8_t length_max{};
  bool optional{};
};

inline constexpr std::size_t kPartsMax = 6;

/// The form of the values of one AI, or of several that differ in single digits.
struct ApplicationIdentifier {
  std::string_view first;  // digits
  std::string_view last;   // each digit of the AI is from that of `first` to that of `last`
  bool predefined_length;  // no separator follows the value
  std::array<Part, kPartsMax> parts;
  std::size_t part_count;

  /// Returns: the length of the longest value.
  [[nodiscard]] std::size_t length_max() const;
};

/// Returns: how many digits the AI at the front of `text` has; 0: no AI begins with these
/// characters. All AIs with the same first two digits are of equal length.
std::size_t length_of_ai(std::string_view text);

/// Returns: the AI with exactly these digits; null pointer: no AI has them.
const ApplicationIdentifier* find_ai(std::string_view digits);

/// Returns: how many bytes at the front of `text` are characters of the set.
std::size_t count_of(CharacterSet set, std::string_view text);

}  // namespace codasync::barcode
