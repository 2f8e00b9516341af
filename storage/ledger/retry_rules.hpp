#pragma once

#include <cstddef>

namespace codasync::storage {

/// The result of one attempt to run a batch.
enum class Attempt {
  done,                 // committed, or nothing to write
  conflict,             // deadlock, serialization failure, or another process created a row first
  lock_timeout,         // a row or a lock was not free in time
  cache_lost,           // a deletion in Memcached was not acknowledged
  statement_cancelled,  // the server cancelled the statement: too long, too many locks
  connection_lost,      // before COMMIT: nothing was changed
  rolled_back,          // the connection was lost at COMMIT; the transaction did not commit
  committed,            // the connection was lost at COMMIT; the transaction committed
  in_doubt,             // the connection was lost at COMMIT; the result is not known
  refused,              // PostgreSQL refused a statement: the schema, or a bug
};

/// The next step.
enum class NextStep {
  deliver,        // each client gets its result
  again,          // the same batch in a new transaction, after a pause
  halves,         // two batches; repeated, this isolates the operation that is the cause
  by_reading,     // a batch for each reading, so that only the writers of one reading fail
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
