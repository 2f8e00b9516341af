#pragma once

#include <cstddef>

namespace codasync::storage {

/// What became of one try to run a batch.
enum class Attempt {
  done,             // committed, or nothing had to be written
  conflict,         // deadlock, serialization failure, or another process created a row first
  lock_timeout,     // a row or a lock was not free in time
  cache_lost,       // a deletion in Memcached was not acknowledged
  gave_up,          // the server ended the statement: too long, too many locks
  connection_lost,  // before COMMIT: nothing was changed
  rolled_back,      // the connection was lost at COMMIT, and it did not happen
  committed,        // the connection was lost at COMMIT, and it happened
  in_doubt,         // the connection was lost at COMMIT, and nothing more is known
  refused,          // the schema or a bug stands against it
};

/// What follows.
enum class NextStep {
  deliver,        // each client gets its answer
  again,          // the same batch in a new transaction, after a pause
  halves,         // two batches, so that the operation that is the cause is alone in the end
  by_reading,     // a batch for each reading, so that only the writers of one of them fail
  fail,           // 503: nothing was changed
  fail_in_doubt,  // 504
  fail_as_bug,    // 500
};

struct BatchShape {
  std::size_t operations;
  std::size_t readings;
  std::size_t cache_slots;
};

/// The retry rules of the combiner (storage/README.md, "Retries"). Pure. `number`: of the attempt,
/// from 1.
NextStep next_step(Attempt attempt, std::size_t number, std::size_t attempts_max,
                   const BatchShape& batch);

}  // namespace codasync::storage
