#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "storage/model/time.hpp"

namespace codasync::cache {

// The Memcached flags of each entry contain its expiry, in seconds since 1970. Memcached itself
// removes the entry earlier. But the clock of a server that was stopped (SIGSTOP) did not run, and
// for a moment after it continues it returns expired entries. Each reader compares the expiry with
// its own clock, so that there is a moment after which no reader uses the entries of a lost server,
// or an entry whose content changes by itself at a known moment. nginx/response_cache does the
// same.

/// The flags of a lease's placeholder: as an expiry, always in the past.
inline constexpr std::uint32_t kPlaceholder = 1;

/// How much the clock of a reader, which is the service or Nginx, may differ from the database's;
/// `codasync check` reports a larger difference.
inline constexpr std::chrono::seconds kReaderClockDifferenceMax{2};

/// How long an entry can be used.
struct EntryLife {
  std::chrono::seconds ttl;  // Memcached removes it after this time
  std::uint32_t expiry;      // its flags: no reader uses it from here on
};

/// Returns: the life of an entry whose data was read at `begun_at` or later and can be stored until
/// its lease ends. `changes_at`: when its content changes without a write (nothing: never). The
/// expiry is kReaderClockDifferenceMax before that moment, so that also a reader whose clock is
/// that much behind does not use the entry after it. Returns nothing when less than a second is
/// left, which is not worth an entry.
inline std::optional<EntryLife> life_of_entry(Instant begun_at, std::optional<Instant> changes_at,
                                              std::chrono::seconds entry_ttl,
                                              std::chrono::seconds lease_ttl) {
  using std::chrono::seconds;
  const auto number = [](std::chrono::sys_seconds at) {
    return static_cast<std::uint32_t>(at.time_since_epoch().count());
  };
  const auto last =
      std::chrono::ceil<seconds>(begun_at) + entry_ttl + lease_ttl + kReaderClockDifferenceMax;
  if (!changes_at) return EntryLife{entry_ttl, number(last)};
  const auto change = std::chrono::floor<seconds>(*changes_at) - kReaderClockDifferenceMax;
  const auto left = std::chrono::floor<seconds>(change - begun_at);
  if (left < seconds{1}) return std::nullopt;
  return EntryLife{std::min(entry_ttl, left), number(std::min(last, change))};
}

/// Returns: whether an entry with this expiry must not be used any more at `now`.
inline bool is_expired(std::uint32_t expiry, Instant now) {
  return now >= Instant{std::chrono::seconds{expiry}};
}

/// Returns: how long writers are refused after the last fill, until no entry of a server can be
/// read: `entry_life` is entry_ttl and lease_ttl together. The other terms are what life_of_entry()
/// adds and rounds up, the difference of clocks, and a clock that is slow by a thousandth.
inline std::chrono::milliseconds wait_after_last_fill(std::chrono::seconds entry_life) {
  return entry_life + 2 * kReaderClockDifferenceMax + std::chrono::seconds{2} +
         std::chrono::milliseconds{entry_life.count()};
}

}  // namespace codasync::cache
