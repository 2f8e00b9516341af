#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace codasync {

enum class TextRefusal { empty, too_long, not_utf8, control_character };

std::string_view explain(TextRefusal refusal);

inline constexpr std::size_t kNameCharactersMax = 255;

/// Returns: why `text` cannot be a name, or nothing when it can: 1 to `characters_max` characters (Unicode code points) of valid
/// UTF-8, none of them a control character (C0, DEL, C1), and not only white space.
std::optional<TextRefusal> refuse_name(std::string_view text,
                                       std::size_t characters_max = kNameCharactersMax);

}  // namespace codasync
