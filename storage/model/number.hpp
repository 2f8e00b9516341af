#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// Numbers as clients, URLs and files write them. Everything here is pure.
namespace codasync {

/// Returns: whether the character is one of 0 to 9, whatever the locale.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Returns: the number of a text of decimal digits, with a minus at most before them; nullopt for
/// any other text, and for a number beyond 64 bits.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// Returns: parse_integer(text) when it is at least 1: an id or a version.
std::optional<std::int64_t> parse_positive(std::string_view text);

/// Returns: the number of a text such as `7`, `-7` or `7.0`, as JSON clients and spreadsheets write
/// whole numbers; nullopt for any other text, and for a number beyond 64 bits.
std::optional<std::int64_t> parse_whole_number(std::string_view text);

}  // namespace codasync
