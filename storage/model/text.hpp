#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace codasync {

/// Why a text cannot be a name.
struct TextRefusal {
  enum Why { empty, too_long, not_utf8, control_character };
  Why why;
  char32_t character{0};          // of control_character: which one
  std::size_t characters_max{0};  // of too_long: the limit

  friend bool operator==(const TextRefusal& left, Why right) { return left.why == right; }
};

/// Returns: the reason as a sentence for the user, with the limit, or the character as U+XXXX.
std::string explain(const TextRefusal& refusal);

inline constexpr std::size_t kNameCharactersMax = 255;

/// Returns: why `text` cannot be a name; nullopt when it can. A name has 1 to `characters_max`
/// characters (Unicode code points) of valid UTF-8 (RFC 3629), no control character, and at least
/// one visible character (unicode.hpp).
std::optional<TextRefusal> refuse_name(std::string_view text,
                                       std::size_t characters_max = kNameCharactersMax);

/// Returns: `text` without white space and zero-width spaces at its ends. This is the only change
/// to names in JSON: names that differ in it look the same, while white space inside a name may be
/// intended. Bytes that are not valid UTF-8 stay, so that refuse_name() finds them.
std::string_view trim(std::string_view text);

/// Returns: trim(text); inside, runs of white space and line ends and tabs become one blank, while
/// a single no-break space stays. For texts from files: their cells can contain line ends and tabs.
std::string collapse_white_space(std::string_view text);

/// Returns: the words of a text, without the white space between them.
std::vector<std::string> words_of(std::string_view text);

/// Returns: the texts, one after the other, with `separator` between them.
std::string joined(std::span<const std::string> texts, std::string_view separator);

/// Shown instead of each byte that is not valid UTF-8: U+FFFD.
inline constexpr std::string_view kReplacementCharacter = "\uFFFD";

/// Returns: how many bytes the character at the front of `text` has; 0 when they are not valid
/// UTF-8 (RFC 3629). Requires: `text` is not empty.
std::size_t utf8_length(std::string_view text);

/// Returns: the first `characters_max` characters of `text`, with kReplacementCharacter for each
/// byte that is not valid UTF-8, so that a response can show a text from a request.
std::string to_valid_utf8(std::string_view text, std::size_t characters_max);

}  // namespace codasync
