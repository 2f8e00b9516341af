#pragma once

#include <string>
#include <string_view>

namespace codasync::cache {

/// Returns: 128 random bits as 32 hexadecimal digits. With a million tokens per second for a year
/// the probability of two equal ones is below 10^-11.
/// Throws: std::system_error when the kernel has no random bytes. Threads: safe concurrently.
std::string make_generation_token();

/// Returns: whether the text has the form of a token: 32 of the digits 0-9 and a-f.
bool is_generation_token(std::string_view text);

}  // namespace codasync::cache
