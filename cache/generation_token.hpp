#pragma once

#include <string>
#include <string_view>

namespace codasync::cache {

/// Returns: 128 random bits as 32 hexadecimal digits. Two that are equal will not be met: with a
/// million of them a second for a year the chance is below 10^-11.
/// Throws: std::system_error when the kernel has no randomness. Threads: safe anywhere.
std::string make_generation_token();

/// Returns: whether it can be one: 32 of the digits 0-9 and a-f.
bool is_generation_token(std::string_view text);

}  // namespace codasync::cache
