#pragma once

#include <array>
#include <chrono>

namespace codasync::cache {

/// A fill takes one or two milliseconds. A reader that meets a running fill looks up again after
/// each of these pauses, and then reads the database without filling.
inline constexpr std::array kRetryPauses{std::chrono::milliseconds{0}, std::chrono::milliseconds{1},
                                         std::chrono::milliseconds{2}, std::chrono::milliseconds{4},
                                         std::chrono::milliseconds{8}};

}  // namespace codasync::cache
