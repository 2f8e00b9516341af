#pragma once

#include <optional>
#include <string_view>

#include "storage/model/barcode/element_list.hpp"

namespace codasync::barcode {

/// The spellings of the separator (FNC1) in the text of a scanner: byte 29, `{GS}`, `<GS>`, U+241D,
/// `^]`, and the character that a scanner is set to send instead.
class Separators {
 public:
  explicit Separators(std::optional<char> replacement) : replacement_{replacement} {}

  /// Returns: how many bytes a separator at this place has; 0: no separator.
  [[nodiscard]] std::size_t length_at(std::string_view text, std::size_t at) const {
    return at < text.size() && (text[at] == replacement_ || can_begin(text[at]))
               ? length_of_spelling(text.substr(at))
               : 0;
  }

 private:
  static constexpr bool can_begin(char c) {
    return c == '\x1d' || c == '{' || c == '<' || c == '\xe2' || c == '^';
  }
  [[nodiscard]] std::size_t length_of_spelling(std::string_view text) const;

  std::optional<char> replacement_;
};

/// Parses the element string from `begin` to the end of `code`: AIs with their values one after the
/// other. A separator in the first or the last position is ignored.
ElementList parse_element_string(std::string_view code, std::size_t begin,
                                 const Separators& separators, Date today);

/// Parses the text that is printed below a symbol, from `begin` to the end of `code`: AIs in
/// brackets. `\(` is a bracket of a value. Requires: a bracket at `begin`.
ElementList parse_bracketed_text(std::string_view code, std::size_t begin, Date today);

}  // namespace codasync::barcode
