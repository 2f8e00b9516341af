#pragma once

#include <chrono>
#include <cstddef>

namespace codasync::storage {

/// Through this the ledger tells what it does; the program decides what to count.
/// Threads: called from all lanes at once; must not block or throw.
class LedgerObserver {
 public:
  virtual ~LedgerObserver() = default;

  using Seconds = std::chrono::duration<double>;

  struct Batch {
    std::size_t operations;
    Seconds oldest_wait;   // in the queue, of its first operation
    Seconds lock_wait;     // for advisory and row locks
    Seconds commit;        // the COMMIT alone
    Seconds clock_offset;  // how far this process's clock is behind the database's
  };
  virtual void on_batch(const Batch& batch) = 0;
  virtual void on_refusals(std::size_t operations) = 0;  // the answer was no
  virtual void on_split() = 0;                           // a batch that the database refused
  virtual void on_retry() = 0;                           // deadlock, serialization, lost connection
  virtual void on_doubt() = 0;                           // a connection lost at COMMIT
  virtual void on_overload() = 0;  // an operation met a full queue or waited too long
};

}  // namespace codasync::storage
