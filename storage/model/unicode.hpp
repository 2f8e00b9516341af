#pragma once

// Properties of code points, as far as names and fields need them. Source: the Unicode Character
// Database, version 14. Everything here is pure.

namespace codasync {

/// Returns: whether it is a control character: C0, DEL, C1, a line or paragraph separator (U+2028,
/// U+2029), or a bidirectional embedding, override or isolate (U+202A to U+202E, U+2066 to U+2069),
/// which would reorder the text that follows.
bool is_control(char32_t c);

/// Returns: whether it has the property White_Space.
bool is_white_space(char32_t c);

/// Returns: whether it is a zero-width space: U+200B, U+2060, U+FEFF.
bool is_zero_width_space(char32_t c);

/// Returns: whether it is visible by itself. White space, control and format characters, fillers,
/// variation selectors and combining marks are not.
bool is_visible(char32_t c);

}  // namespace codasync
