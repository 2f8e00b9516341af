#include "storage/model/text.hpp"

#include <algorithm>

#include "storage/model/unicode.hpp"

namespace codasync {
namespace {

/// The code point at the front of a text and the number of its bytes; 0 bytes: not valid UTF-8.
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

/// The first character of a text and its bytes. A byte that is not valid UTF-8 counts as a
/// character with code point 0.
struct Front {
  Decoded decoded;
  std::string_view bytes;
};

/// Requires: `text` is not empty.
Front front_of(std::string_view text) {
  const auto decoded = decode(text);
  return {decoded, text.substr(0, std::max<std::size_t>(decoded.bytes, 1))};
}

/// Returns: `U+0007`.
std::string code_point_name(char32_t c) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string digits;
  for (; c > 0 || digits.size() < 4; c >>= 4U) digits.insert(digits.begin(), kHex[c & 15U]);
  return "U+" + digits;
}

}  // namespace

std::string explain(const TextRefusal& refusal) {
  switch (refusal.why) {
    case TextRefusal::empty:
      return "At least one visible character is required.";
    case TextRefusal::too_long:
      return "At most " + std::to_string(refusal.characters_max) + " characters are allowed.";
    case TextRefusal::not_utf8:
      return "This is not valid UTF-8.";
    case TextRefusal::control_character:
      return "The control character " + code_point_name(refusal.character) + " is not allowed.";
  }
  __builtin_unreachable();
}

std::optional<TextRefusal> refuse_name(std::string_view text, std::size_t characters_max) {
  std::size_t characters = 0;
  bool visible = false;
  while (!text.empty()) {
    const auto [code_point, bytes] = decode(text);
    if (bytes == 0) return TextRefusal{TextRefusal::not_utf8};
    if (is_control(code_point)) return TextRefusal{TextRefusal::control_character, code_point};
    visible = visible || is_visible(code_point);
    if (++characters > characters_max) return TextRefusal{TextRefusal::too_long, 0, characters_max};
    text.remove_prefix(bytes);
  }
  if (!visible) return TextRefusal{TextRefusal::empty};
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  std::size_t begin = text.size();
  std::size_t end = text.size();
  for (std::size_t at = 0; at < text.size();) {
    const auto [decoded, bytes] = front_of(text.substr(at));
    if (!is_white_space(decoded.code_point) && !is_zero_width_space(decoded.code_point)) {
      begin = std::min(begin, at);
      end = at + bytes.size();
    }
    at += bytes.size();
  }
  return text.substr(begin, end - begin);
}

std::size_t utf8_length(std::string_view text) { return decode(text).bytes; }

std::string to_valid_utf8(std::string_view text, std::size_t characters_max) {
  std::string valid;
  for (std::size_t characters = 0; !text.empty() && characters < characters_max; ++characters) {
    const auto bytes = utf8_length(text);
    valid += bytes == 0 ? kReplacementCharacter : text.substr(0, bytes);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return valid;
}

std::string collapse_white_space(std::string_view text) {
  text = trim(text);
  std::string collapsed;
  collapsed.reserve(text.size());
  std::size_t run = 0;        // consecutive white-space characters before this one
  std::string_view run_char;  // the first of them
  while (!text.empty()) {
    const auto [decoded, bytes] = front_of(text);
    if (is_white_space(decoded.code_point)) {
      if (++run == 1) run_char = is_control(decoded.code_point) ? " " : bytes;
    } else {
      if (run > 0) collapsed += run == 1 ? run_char : " ";
      run = 0;
      collapsed += bytes;
    }
    text.remove_prefix(bytes.size());
  }
  return collapsed;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;  // a word
  while (!text.empty()) {
    const auto [decoded, bytes] = front_of(text);
    const bool space = is_white_space(decoded.code_point);
    if (!space && !inside) words.emplace_back();
    if (!space) words.back() += bytes;
    inside = !space;
    text.remove_prefix(bytes.size());
  }
  return words;
}

std::string joined(std::span<const std::string> texts, std::string_view separator) {
  std::string text;
  for (const auto& part : texts) {
    if (&part != &texts.front()) text += separator;
    text += part;
  }
  return text;
}

}  // namespace codasync
