#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace codasync::fuzz {

/// Ends the target with a finding if the property does not hold.
inline void check(bool holds, const char* property) {
  if (holds) return;
  std::cerr << "does not hold: " << property << std::endl;
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace codasync::fuzz
