#pragma once

#include <chrono>
#include <cstddef>

namespace codasync::storage {

/// Receives the events of the ledger; the program decides what to count. The default implementation
/// does nothing. Threads: called from all lanes concurrently; must not block or throw.
class LedgerObserver {
 public:
  virtual ~LedgerObserver() = default;

  using Seconds = std::chrono::duration<double>;

  struct Batch {
    std::size_t operations;
    Seconds oldest_wait;   // in the queue, of the operation that waited longest
    Seconds lock_wait;     // for advisory and row locks
    Seconds commit;        // the COMMIT alone
    Seconds clock_offset;  // how far this process's clock is behind the database's
  };
  virtual void on_batch(const Batch& /*batch*/) {}
  virtual void on_refusals(std::size_t /*operations*/) {}  // operations that were refused
  virtual void on_split() {}                               // a batch is divided after a failure
  virtual void on_retry() {}     // deadlock, serialization, lost connection
  virtual void on_doubt() {}     // the connection was lost at COMMIT
  virtual void on_overload() {}  // the queue was full, or an operation waited too long
};

}  // namespace codasync::storage
