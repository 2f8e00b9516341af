#pragma once

#include <cstddef>
#include <string_view>

namespace codasync {

/// Returns: how many characters have to be inserted, removed or replaced to make `b` of `a`
/// (Levenshtein distance); two neighbours in the wrong order count once. Pure; takes time and
/// memory of the product of the lengths.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace codasync
