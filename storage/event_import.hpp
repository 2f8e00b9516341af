#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/import/event_file.hpp"
#include "storage/invalidation.hpp"
#include "storage/options.hpp"

namespace codasync::storage {

/// What the ledger did with the events of a reading.
struct EventsRecorded {
  enum class Result {
    recorded,
    known,  // each of them was recorded before
    refused,
  };
  Result result;
  std::string reason{};  // of a refusal, a sentence for the user
};

/// Writes the events of readings that have none yet, as another ledger has them: with ids, times of
/// arrival, authors, outcomes and versions. The row of a reading is the fold of its events, under
/// the locks of a write. The token of an event is the operator's: an export has only its name.
/// Threads: one at a time. Throws: Unavailable; readings that were written stay.
class EventImport {
 public:
  virtual ~EventImport() = default;

  /// Requires: at most kEventReadingsMax readings, each once, without contradictions
  /// (read_events()). Returns: a result for each.
  virtual std::vector<EventsRecorded> write(const std::vector<EventsOfReading>& readings) = 0;
};

/// Readings of one transaction.
inline constexpr std::size_t kEventReadingsMax = 200;

/// With one connection. `invalidation` outlives the result.
std::unique_ptr<EventImport> make_event_import(const PostgresOptions& options,
                                               Invalidation& invalidation);

}  // namespace codasync::storage
