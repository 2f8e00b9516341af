#pragma once

#include "storage/errors.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage {

/// Runs a transaction that may be repeated, done or not, until it succeeds, four times at most.
/// Throws: Unavailable when the last attempt met a conflict or its outcome is in doubt.
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
