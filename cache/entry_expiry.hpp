#pragma once

#include <chrono>
#include <cstdint>

#include "storage/model/time.hpp"

namespace codasync::cache {

// The Memcached flags of each entry contain its expiry, in seconds since 1970. Memcached itself
// removes the entry earlier. But the clock of a server that was stopped (SIGSTOP) stands still, and
// for a moment after it continues it returns expired entries. Each reader compares the expiry with
// its own clock, so that there is a moment after which no reader uses the entries of a lost server.
// nginx/response_cache does the same.

/// The flags of a lease's placeholder: as an expiry, always in the past.
inline constexpr std::uint32_t kPlaceholder = 1;

/// The largest allowed difference between the clocks of the machines; `codasync check` reports a
/// larger one.
inline constexpr std::chrono::seconds kClockDifferenceMax{2};

/// Returns: the expiry of an entry whose data was read at `begun_at` or later and can be stored
/// until its lease ends.
inline std::uint32_t entry_expiry(Instant begun_at, std::chrono::seconds entry_ttl,
                                  std::chrono::seconds lease_ttl) {
  const auto expiry = std::chrono::ceil<std::chrono::seconds>(begun_at) + entry_ttl + lease_ttl +
                      kClockDifferenceMax;
  return static_cast<std::uint32_t>(expiry.time_since_epoch().count());
}

/// Returns: whether an entry with this expiry must not be used any more at `now`.
inline bool is_expired(std::uint32_t expiry, Instant now) {
  return now >= Instant{std::chrono::seconds{expiry}};
}

/// Returns: how long writers are refused after the last fill, until no entry of a server can be
/// read: `entry_life` is entry_ttl and lease_ttl together. The other terms are what entry_expiry()
/// adds and rounds up, the difference of clocks, and a clock that is slow by a thousandth.
inline std::chrono::milliseconds wait_after_last_fill(std::chrono::seconds entry_life) {
  return entry_life + 2 * kClockDifferenceMax + std::chrono::seconds{2} +
         std::chrono::milliseconds{entry_life.count()};
}

}  // namespace codasync::cache
