#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "storage/errors.hpp"
#include "storage/model/time.hpp"

// The ledger uses the database's clock only. Each process compares its own clock with it.

namespace codasync::storage {

/// A larger difference is logged as a warning.
inline constexpr std::chrono::seconds kClockDifferenceWarning{5};
/// With a larger difference a process refuses to write and is not ready.
inline constexpr std::chrono::seconds kClockDifferenceMax{30};

/// If the newest arrival of a reading is further ahead of the database's clock than this, that
/// clock was wrong at the time.
inline constexpr std::chrono::seconds kClockTolerance{10};

/// Returns: how far this process's clock is behind the database's clock; 0 when the two can be
/// equal. `database`: a time that the database returned between `sent` and `received` of this
/// process's clock.
constexpr std::chrono::microseconds clock_offset(Instant database, Instant sent, Instant received) {
  return database - std::clamp(database, sent, std::max(sent, received));
}

/// Returns: the exception for a difference of more than kClockDifferenceMax, as clock_offset()
/// returns it.
inline Unavailable clock_is_off(std::chrono::microseconds offset) {
  const auto seconds = std::chrono::round<std::chrono::seconds>(std::chrono::abs(offset)).count();
  return {"clock", "this machine's clock is " + std::to_string(seconds) + " s " +
                       (offset.count() > 0 ? "behind" : "ahead of") +
                       " PostgreSQL's: synchronise both (NTP)"};
}

}  // namespace codasync::storage
