#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "cache/unreachable.hpp"

namespace codasync::cache {

/// The result of looking one entry up. `unavailable`: the server has none that can be used at the
/// moment: it does not respond, its circuit is open after a failure, or its clock is wrong.
enum class LookupState { hit, miss, unavailable };

/// Where the result of a read came from: a metric's label.
enum class ReadPath {
  hit,          // from the cache
  filled,       // from the database, and stored
  not_stored,   // from the database: not worth an entry, or storing it was not possible
  lease_lost,   // from the database: another reader fills the entry and did not finish in time
  lock_busy,    // from the database: a writer held the locks, or all connections for fills were in
                // use
  unavailable,  // from the database: no cache
};

/// Is called at each event of the cache, for metrics. Every call comes on the thread that did the
/// work and must be quick, safe concurrently, and not throw. The default does nothing.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void looked_up(LookupState) {}
  virtual void read(ReadPath) {}  // of each entry, before its reader gets it

  /// A read or a fill got no reply; reads do not use the server for a while.
  virtual void unavailable(std::size_t /*slot*/, std::string_view /*log_detail*/) {}

  /// A look-up found an entry that no process stores; it is deleted.
  virtual void malformed(std::size_t /*slot*/) {}

  /// Deletes were not acknowledged, and their writer fails.
  virtual void delete_failed(std::size_t /*slot*/, Unreachable, std::string_view /*log_detail*/) {}

  /// All deletes of a transaction were acknowledged, `took` after the first was sent.
  virtual void deleted(std::size_t /*keys*/, std::chrono::nanoseconds /*took*/) {}
};

}  // namespace codasync::cache
