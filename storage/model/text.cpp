#include "storage/model/text.hpp"

#include <algorithm>

namespace codasync {
namespace {

/// A code point at the front of a text, and how many bytes it takes. No bytes: there is none, the
/// text is no UTF-8 here.
struct Decoded {
  char32_t code_point{0};
  std::size_t bytes{0};
};

/// Requires: `text` is not empty. Refuses what RFC 3629 forbids: overlong forms, surrogates, beyond
/// U+10FFFF.
Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  char32_t code_point = lead & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    code_point = code_point << 6U | (byte(i) & 0x3FU);
  }
  const bool overlong = (bytes == 3 && code_point < 0x800) || (bytes == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (overlong || surrogate || code_point > 0x10FFFF) return {};
  return {code_point, bytes};
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

bool is_white_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

}  // namespace

std::string_view explain(TextRefusal refusal) {
  switch (refusal) {
    case TextRefusal::empty:
      return "The text is empty.";
    case TextRefusal::too_long:
      return "The text is too long.";
    case TextRefusal::not_utf8:
      return "The text is not valid UTF-8.";
    case TextRefusal::control_character:
      return "The text contains a control character.";
  }
  __builtin_unreachable();
}

std::optional<TextRefusal> refuse_name(std::string_view text, std::size_t characters_max) {
  std::size_t characters = 0;
  bool only_white_space = true;
  while (!text.empty()) {
    const auto [code_point, bytes] = decode(text);
    if (bytes == 0) return TextRefusal::not_utf8;
    if (is_control(code_point)) return TextRefusal::control_character;
    only_white_space = only_white_space && is_white_space(code_point);
    if (++characters > characters_max) return TextRefusal::too_long;
    text.remove_prefix(bytes);
  }
  if (only_white_space) return TextRefusal::empty;
  return std::nullopt;
}

std::string showable(std::string_view text, std::size_t characters_max) {
  std::string shown;
  for (std::size_t characters = 0; !text.empty() && characters < characters_max; ++characters) {
    const auto bytes = decode(text).bytes;
    shown += bytes == 0 ? "\uFFFD" : text.substr(0, bytes);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return shown;
}

std::string collapse_white_space(std::string_view text) {
  std::string collapsed;
  collapsed.reserve(text.size());
  std::size_t run = 0;        // characters of white space just passed
  std::string_view run_char;  // the first of them
  while (!text.empty()) {
    const auto [code_point, decoded_bytes] = decode(text);
    const auto character = text.substr(0, decoded_bytes == 0 ? 1 : decoded_bytes);
    if (decoded_bytes != 0 && is_white_space(code_point)) {
      if (++run == 1) run_char = is_control(code_point) ? " " : character;
    } else {
      if (run > 0 && !collapsed.empty()) collapsed += run == 1 ? run_char : " ";
      run = 0;
      collapsed += character;
    }
    text.remove_prefix(character.size());
  }
  return collapsed;
}

}  // namespace codasync
