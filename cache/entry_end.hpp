#pragma once

#include <chrono>
#include <cstdint>

#include "storage/model/time.hpp"

namespace codasync::cache {

// Every entry says in its Memcached flags when its life ends, in seconds since 1970. Memcached
// forgets it before that; but the clock of a server that was stopped stands still for a moment
// after it goes on, and then it hands out what should be gone. Whoever reads an entry looks at the
// end by a clock of its own, so that there is a moment after which nobody believes what a lost
// server holds. nginx/answer_cache does the same.

/// The flags of a lease's placeholder: the end of no entry.
inline constexpr std::uint32_t kPlaceholder = 1;

/// How far apart the clocks of the machines may be; `codasync check` complains beyond.
inline constexpr std::chrono::seconds kClockDifferenceMax{2};

/// Returns: the end of an entry whose data was read at `begun_at` or later and can be stored until
/// its lease ends.
inline std::uint32_t entry_end(Instant begun_at, std::chrono::seconds entry_ttl,
                               std::chrono::seconds lease_ttl) {
  const auto end = std::chrono::ceil<std::chrono::seconds>(begun_at) + entry_ttl + lease_ttl +
                   kClockDifferenceMax;
  return static_cast<std::uint32_t>(end.time_since_epoch().count());
}

/// Returns: whether an entry with this end may be believed at `now`.
inline bool lives(std::uint32_t end, Instant now) {
  return now < Instant{std::chrono::seconds{end}};
}

/// Returns: how long writers have to give up after the last fill, until nothing that a server holds
/// can be read: `entry_life` is entry_ttl and lease_ttl together. The rest is for what entry_end()
/// adds and rounds up, for clocks that differ, and for one that is slow by a thousandth.
inline std::chrono::milliseconds wait_after_last_fill(std::chrono::seconds entry_life) {
  return entry_life + 2 * kClockDifferenceMax + std::chrono::seconds{2} +
         std::chrono::milliseconds{entry_life.count()};
}

}  // namespace codasync::cache
