#include "storage/model/uuid.hpp"

#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <system_error>

namespace codasync {
namespace {

bool hyphen_before_byte(std::size_t i) { return i == 4 || i == 6 || i == 8 || i == 10; }

std::optional<std::uint8_t> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

/// The kernel's randomness, drawn for many identifiers at once: a system call for each was 3 of 100
/// samples of the event loop. It is the kernel's and not a generator of ours, so that no two
/// processes can share a state; a process that makes identifiers does not fork.
class Randomness {
 public:
  /// Fills `bytes`.
  void draw(std::array<std::uint8_t, 16>& bytes) {
    if (left_ == 0) {
      if (getentropy(drawn_.data(), sizeof drawn_) != 0)
        throw std::system_error{errno, std::generic_category(), "getentropy"};
      left_ = drawn_.size();
    }
    bytes = drawn_[--left_];
  }

 private:
  std::array<std::array<std::uint8_t, 16>, 16> drawn_{};  // as much as the kernel gives at once
  std::size_t left_{0};
};

}  // namespace

Uuid Uuid::v7(Instant at) {
  const auto milliseconds =
      std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
  assert(milliseconds >= 0);
  Uuid uuid;
  thread_local Randomness randomness;
  randomness.draw(uuid.bytes);
  for (std::size_t i = 0; i < 6; ++i) {
    uuid.bytes[i] = static_cast<std::uint8_t>(milliseconds >> (8 * (5 - i)));
  }
  uuid.bytes[6] = static_cast<std::uint8_t>(0x70U | (uuid.bytes[6] & 0x0FU));  // version 7
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80U | (uuid.bytes[8] & 0x3FU));  // RFC 9562's variant
  return uuid;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (hyphen_before_byte(i)) {
      if (text.front() != '-') return std::nullopt;
      text.remove_prefix(1);
    }
    const auto high = hex_value(text[0]);
    const auto low = hex_value(text[1]);
    if (!high || !low) return std::nullopt;
    uuid.bytes[i] = static_cast<std::uint8_t>(*high << 4U | *low);
    text.remove_prefix(2);
  }
  return uuid;
}

std::string to_string(const Uuid& uuid) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (hyphen_before_byte(i)) text.push_back('-');
    text.push_back(kHex[uuid.bytes[i] >> 4U]);
    text.push_back(kHex[uuid.bytes[i] & 0x0FU]);
  }
  return text;
}

}  // namespace codasync
