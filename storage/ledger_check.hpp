#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/options.hpp"

namespace codasync::storage {

/// A reading with a row that differs from the fold of its events, or events without a row.
struct LedgerDifference {
  ReadingId reading;
  std::optional<ChangedReading> row;  // nullopt: no row exists, so shop and product are unknown
  std::vector<std::string> what;      // `quantity is 5, expected 3`
  bool repaired{false};
};

struct LedgerCheckCounts {
  std::uint64_t total{0};  // readings at the start of the check
  std::uint64_t checked{0};
  std::uint64_t differing{0};
  std::uint64_t repaired{0};
};

/// Compares each reading's row, and the summaries of its sealed segments, with the fold of its
/// events. Row and events are read in one snapshot. It holds some hundred readings and some
/// thousand events in memory, and no lock.
///
/// With `repair`, a reading that differs is written again from its events, under the locks of a
/// write and after its cache entries were deleted. If readers see a difference afterwards, the
/// reading gets a new version, which no event has. Events in the future, from a wrong clock, are
/// recorded again. Events without a row are only reported.
///
/// Throws: Unavailable, also of the cache. Finished repairs stay. Threads: one at a time.
LedgerCheckCounts check_ledger(const PostgresOptions& options, Invalidation* repair,
                               const std::function<void(const LedgerDifference&)>& differs,
                               const std::function<void(const LedgerCheckCounts&)>& progress);

}  // namespace codasync::storage
