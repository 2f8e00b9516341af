#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/model/time.hpp"

namespace codasync {

/// A universally unique identifier (RFC 9562).
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  /// Returns: a new version 7 identifier: the milliseconds of `at`, then 74 bits of the kernel's
  /// randomness, so identifiers of one millisecond are in no order.
  /// Requires: `at` is not before 1970; a process that calls it does not fork.
  /// Throws: std::system_error when the kernel has no randomness to give.
  /// Threads: safe anywhere.
  static Uuid v7(Instant at);

  /// Returns: the identifier of the 36-character text in either case, or nothing.
  static std::optional<Uuid> parse(std::string_view text);

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

/// Returns: the 36 characters, in lower case.
std::string to_string(const Uuid& uuid);

using EventId = Uuid;

}  // namespace codasync
