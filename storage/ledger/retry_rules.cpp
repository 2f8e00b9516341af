#include "storage/ledger/retry_rules.hpp"

namespace codasync::storage {

NextStep next_step(Attempt attempt, std::size_t number, std::size_t attempts_max,
                   const BatchShape& batch) {
  const auto again_or_fail = [&](std::size_t max) {
    return number < max ? NextStep::again : NextStep::fail;
  };
  const auto by_reading_or_fail = [&] {
    return batch.readings > 1 ? NextStep::by_reading : NextStep::fail;
  };
  switch (attempt) {
    case Attempt::done:
    case Attempt::committed:
      return NextStep::deliver;
    case Attempt::conflict:
    case Attempt::rolled_back:
      return again_or_fail(attempts_max);
    case Attempt::connection_lost:
      // The server can have closed an idle connection, which is detected at its next use.
      return again_or_fail(2);
    case Attempt::lock_timeout:
    case Attempt::statement_cancelled:
      return by_reading_or_fail();
    case Attempt::cache_lost:
      // With a single server all readings have the same failure.
      return batch.cache_slots > 1 ? by_reading_or_fail() : NextStep::fail;
    case Attempt::in_doubt:
      return NextStep::fail_in_doubt;
    case Attempt::refused:
      return batch.operations > 1 ? NextStep::halves : NextStep::fail_as_bug;
  }
  __builtin_unreachable();
}

}  // namespace codasync::storage
