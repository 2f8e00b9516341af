#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace codasync {

/// Why a text cannot be a name.
struct TextRefusal {
  enum Why { empty, too_long, not_utf8, control_character };
  Why why;
  char32_t character{0};          // of control_character: which one
  std::size_t characters_max{0};  // of too_long: the limit

  friend bool operator==(const TextRefusal& refusal, Why why) { return refusal.why == why; }
};

/// What is wrong, as a sentence for the person who typed it. Names the limit, or the character as
/// U+XXXX.
std::string explain(const TextRefusal& refusal);

inline constexpr std::size_t kNameCharactersMax = 255;

/// Returns: why `text` cannot be a name, or nothing when it can: 1 to `characters_max` characters
/// (Unicode code points) of valid UTF-8 (RFC 3629), none of them a control character, at least one
/// of them visible (unicode.hpp).
std::optional<TextRefusal> refuse_name(std::string_view text,
                                       std::size_t characters_max = kNameCharactersMax);

/// Returns: the part of `text` between white space and zero-width spaces at its ends. The only
/// change that is made to names in JSON: two names that differ by it look the same, while white
/// space inside may be meant. Bytes that are not UTF-8 are kept for refuse_name to find.
std::string_view trim(std::string_view text);

/// Returns: trim(text); inside, runs of white space and line ends and tabs become one blank, while
/// a single no-break space stays. For text from files, where cells contain line ends and tabs.
std::string collapse_white_space(std::string_view text);

/// Returns: the number of a text such as `7`, `-7` or `7.0`, as clients and spreadsheets write
/// whole numbers; nothing for any other text, and for one beyond 64 bits.
std::optional<std::int64_t> parse_whole_number(std::string_view text);

/// Returns: the first `characters_max` characters of `text`, with U+FFFD for each byte that is no
/// UTF-8: a text of a stranger's that can be shown to him again.
std::string showable(std::string_view text, std::size_t characters_max);

}  // namespace codasync
