#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Bytes as text. Everything here is pure.
namespace codasync {

/// Returns: two lower-case digits for each byte.
std::string to_hex(std::span<const std::uint8_t> bytes);

/// Returns: base64url without padding (RFC 4648, section 5).
std::string to_base64url(std::string_view bytes);

/// Returns: the bytes; nullopt when to_base64url() cannot have made this text.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace codasync
