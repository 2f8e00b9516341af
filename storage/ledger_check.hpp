#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/options.hpp"

namespace codasync::storage {

/// A reading whose row is not what its events say, or events whose reading is not there.
struct LedgerDifference {
  ReadingId reading;
  std::optional<ChangedReading> row;  // nothing: there is none, so its shop and product are unknown
  std::vector<std::string> what;      // `quantity is 5, the events say 3`
  bool repaired{false};
};

struct LedgerCheckCounts {
  std::uint64_t total{0};  // readings, when the check began
  std::uint64_t checked{0};
  std::uint64_t differing{0};
  std::uint64_t repaired{0};
};

/// Compares each reading's row, and the summaries of its sealed segments, with the fold of its
/// events, as they are at one moment of each. Holds some hundred readings and some thousand events
/// at a time, and no lock.
///
/// With `repair`, a reading that differs is written again from its events, under its locks like any
/// write: entries of the cache that show it are deleted first. Where readers see another reading
/// afterwards it has a new version, which no event has. Events that a wrong clock put into the
/// future are recorded again. Events without a row are only reported.
///
/// Throws: Unavailable, also of the cache. What was repaired stays. Threads: one.
LedgerCheckCounts check_ledger(const PostgresOptions& options, Invalidation* repair,
                               const std::function<void(const LedgerDifference&)>& differs,
                               const std::function<void(const LedgerCheckCounts&)>& progress);

}  // namespace codasync::storage
