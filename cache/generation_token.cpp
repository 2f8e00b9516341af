#include "cache/generation_token.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace codasync::cache {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kBytes = 16;

}  // namespace

std::string make_generation_token() {
  std::array<std::uint8_t, kBytes> bytes{};
  // A call for up to 256 bytes always returns all of them (getrandom(2)).
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error{errno, std::generic_category(), "getrandom"};
  }
  std::string text;
  for (const unsigned byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

bool is_generation_token(std::string_view text) {
  return text.size() == 2 * kBytes && text.find_first_not_of(kDigits) == std::string_view::npos;
}

}  // namespace codasync::cache
