#pragma once

#include "storage/errors.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage {

/// Runs an idempotent transaction until it succeeds, at most four times. Throws: Unavailable when
/// the last attempt had a conflict or the result of its COMMIT is not known.
template <class Work>
void attempt(const Work& work) {
  constexpr int kAttemptsMax = 4;
  for (int number = 1;; ++number) {
    try {
      return work();
    } catch (const postgres::Conflict& conflict) {
      if (number == kAttemptsMax) throw Unavailable{"postgres", conflict.what()};
    } catch (const InDoubt& doubt) {
      if (number == kAttemptsMax) throw Unavailable{"postgres", doubt.what()};
    }
  }
}

}  // namespace codasync::storage
