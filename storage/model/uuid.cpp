#include "storage/model/uuid.hpp"

#include <unistd.h>

#include <algorithm>
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

/// Random bytes of the kernel, fetched for 16 identifiers at once: one system call per identifier
/// was 3 of 100 samples of the event loop. A generator in this process could share its state with
/// another process; so a process that makes identifiers must not fork either.
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

constexpr Instant kYear10000{std::chrono::sys_days{std::chrono::year{10000} / 1 / 1}};
constexpr std::int64_t kFractions = 4096;  // of a millisecond, in 12 bits

/// Writes the version and the variant of RFC 9562.
void mark(Uuid& uuid, unsigned version) {
  uuid.bytes[6] = static_cast<std::uint8_t>(version << 4U | (uuid.bytes[6] & 0x0FU));
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80U | (uuid.bytes[8] & 0x3FU));
}

}  // namespace

Uuid Uuid::v7(Instant at) {
  const auto since_1970 = at.time_since_epoch();
  assert(since_1970.count() >= 0);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(since_1970);
  const auto fraction = (since_1970 - milliseconds).count() * kFractions / 1000;
  Uuid uuid;
  thread_local Randomness randomness;
  randomness.draw(uuid.bytes);
  for (std::size_t i = 0; i < 6; ++i) {
    uuid.bytes[i] = static_cast<std::uint8_t>(milliseconds.count() >> (8 * (5 - i)));
  }
  uuid.bytes[6] = static_cast<std::uint8_t>(fraction >> 8U);
  uuid.bytes[7] = static_cast<std::uint8_t>(fraction);
  mark(uuid, 7);
  return uuid;
}

Uuid Uuid::v8(std::span<const std::uint8_t, 16> digest) {
  Uuid uuid;
  std::copy(digest.begin(), digest.end(), uuid.bytes.begin());
  mark(uuid, 8);
  return uuid;
}

std::optional<Instant> Uuid::time() const {
  if (bytes[6] >> 4U != 7) return std::nullopt;
  std::int64_t milliseconds = 0;
  for (std::size_t i = 0; i < 6; ++i) milliseconds = milliseconds << 8U | bytes[i];
  const std::int64_t fraction = (bytes[6] & 0x0FU) << 8U | bytes[7];
  // A millisecond has more fractions than microseconds, so a fraction has one microsecond at most.
  const auto microseconds = (fraction * 1000 + kFractions - 1) / kFractions;
  const Instant at{std::chrono::milliseconds{milliseconds} +
                   std::chrono::microseconds{microseconds}};
  return at < kYear10000 ? std::optional{at} : std::nullopt;
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
