#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

namespace codasync::cache {

enum class LookupState { hit, miss, unavailable };

/// How a read was answered: a metric's label.
enum class ReadPath {
  hit,          // from the cache
  filled,       // from the database, and stored
  not_stored,   // from the database: not worth an entry, or there was no place for one
  lease_lost,   // somebody else is filling and did not finish in time: from the database
  lock_busy,    // a writer held the locks, or all connections for fills were in use: from the
                // database
  unavailable,  // no cache: from the database
};

/// What is known of a server that failed.
enum class Loss {
  gone,    // nobody listens there: the process has ended, and its memory with it
  silent,  // it does not answer, or not sensibly: what it holds may come back
};

/// Is told what the cache does, to count it. Every call comes on the thread that did the work and
/// must be quick, safe concurrently, and not throw. The default is not to care.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void looked_up(LookupState) {}
  virtual void read(ReadPath) {}

  /// A read or a fill got no answer; reads leave the server alone for a while.
  virtual void unavailable(std::size_t /*slot*/, std::string_view /*log_detail*/) {}

  /// An entry was found that no process stores; it is deleted.
  virtual void malformed(std::size_t /*slot*/) {}

  /// Deletes were not acknowledged, and their writer has to give up.
  virtual void delete_failed(std::size_t /*slot*/, Loss, std::string_view /*log_detail*/) {}

  /// A round of deletes was acknowledged, `took` after it had begun.
  virtual void deleted(std::size_t /*keys*/, std::chrono::nanoseconds /*took*/) {}
};

}  // namespace codasync::cache
