#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/model/time.hpp"

namespace codasync {

/// A universally unique identifier (RFC 9562).
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  /// Returns: a new version 7 identifier of the microsecond `at` (RFC 9562, 5.7; the 12 bits after
  /// the version are the part of the millisecond, 6.2 method 3) with 62 random bits of the kernel,
  /// so identifiers of one microsecond have no order. Requires: `at` is not before 1970; the
  /// process does not fork. Throws: std::system_error when the kernel returns no random bytes.
  /// Threads: safe on any thread.
  static Uuid v7(Instant at);

  /// Returns: a version 8 identifier (RFC 9562, 5.8) of the first 122 bits of a digest.
  static Uuid v8(std::span<const std::uint8_t, 16> digest);

  /// Returns: the microsecond of a version 7 identifier; nullopt for other versions and after the
  /// year 9999.
  [[nodiscard]] std::optional<Instant> time() const;

  /// Returns: the identifier of the 36-character text in either case; nullopt for any other text.
  static std::optional<Uuid> parse(std::string_view text);

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

/// Returns: the 36 characters, in lower case.
std::string to_string(const Uuid& uuid);

using EventId = Uuid;

}  // namespace codasync
