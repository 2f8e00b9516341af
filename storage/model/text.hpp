#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace codasync {

enum class TextRefusal { empty, too_long, not_utf8, control_character };

/// What is wrong, as a sentence for the person who typed it.
std::string_view explain(TextRefusal refusal);

inline constexpr std::size_t kNameCharactersMax = 255;

/// Returns: why `text` cannot be a name, or nothing when it can: 1 to `characters_max` characters
/// (Unicode code points) of valid UTF-8 (RFC 3629), none of them a control character (C0, DEL, C1),
/// and not only white space (Unicode White_Space).
std::optional<TextRefusal> refuse_name(std::string_view text,
                                       std::size_t characters_max = kNameCharactersMax);

/// Returns: `text` without white space at its ends; inside, runs of it and line ends and tabs
/// become one blank, while a single no-break space stays. For text from files; bytes that are no
/// UTF-8 are kept for refuse_name to find.
std::string collapse_white_space(std::string_view text);

/// Returns: the first `characters_max` characters of `text`, with U+FFFD for each byte that is no
/// UTF-8: a text of a stranger's that can be shown to him again.
std::string showable(std::string_view text, std::size_t characters_max);

}  // namespace codasync
