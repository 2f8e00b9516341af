#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "storage/errors.hpp"
#include "storage/model/time.hpp"

// The database's clock is the only one of the ledger. Each process compares its own with it.

namespace codasync::storage {

/// From here on it is worth a warning.
inline constexpr std::chrono::seconds kClockDifferenceWarning{5};
/// From here on a process refuses to write and is not ready.
inline constexpr std::chrono::seconds kClockDifferenceMax{30};

/// A reading whose newest arrival is further ahead of the database's clock was written while that
/// clock was wrong.
inline constexpr std::chrono::seconds kClockTolerance{10};

/// Returns: how far this process's clock is behind the database's, which said `database` at some
/// moment between two readings of the own clock; 0 when both may be the same.
constexpr std::chrono::microseconds clock_offset(Instant database, Instant sent, Instant answered) {
  return database - std::clamp(database, sent, std::max(sent, answered));
}

inline Unavailable clock_is_off(std::chrono::microseconds offset) {
  const auto seconds = std::chrono::round<std::chrono::seconds>(std::chrono::abs(offset)).count();
  return {"clock", "this machine's clock is " + std::to_string(seconds) + " s " +
                       (offset.count() > 0 ? "behind" : "ahead of") +
                       " PostgreSQL's: synchronise both (NTP)"};
}

}  // namespace codasync::storage
