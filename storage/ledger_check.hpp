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
  std::optional<ChangedReading> row;  // nothing: there is none, so nobody knows what it was about
  std::vector<std::string> what;      // `quantity is 5, the events say 3`
  bool mended{false};
};

struct LedgerCheckCounts {
  std::uint64_t total{0};  // readings, when the check began
  std::uint64_t checked{0};
  std::uint64_t differing{0};
  std::uint64_t mended{0};
};

/// Compares each reading's row with the fold of its events, as they are at one moment of each.
/// Holds some hundred readings and some thousand events at a time, and no lock.
///
/// With `mend`, a row that differs is written anew from its events, under its locks like any write:
/// entries of the cache that show it are deleted first. Where people see another reading afterwards
/// it has a new version, which no event has. Events without a row are only told.
///
/// Throws: Unavailable, also of the cache. What was mended stays. Threads: one.
LedgerCheckCounts check_ledger(const PostgresOptions& options, Invalidation* mend,
                               const std::function<void(const LedgerDifference&)>& differs,
                               const std::function<void(const LedgerCheckCounts&)>& progress);

}  // namespace codasync::storage
