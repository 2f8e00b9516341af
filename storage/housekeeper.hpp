#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>

#include "storage/options.hpp"

namespace codasync::storage {

/// How long a client may repeat a request with its key and get the same answer.
inline constexpr std::chrono::days kIdempotencyKeysKept{7};

/// Deletes idempotency keys that are older, a few at a time, so that nobody waits for it.
/// Returns: how many. Throws: Unavailable; what was deleted before stays deleted.
std::size_t delete_old_keys(const PostgresOptions& options);

/// Does so once an hour in the background. Several processes may: they find nothing left to do.
/// Threads: its own one; the destructor ends it after the statement at hand.
class Housekeeper {
 public:
  /// `on_failure` is called with a text for the log; the next round tries again.
  Housekeeper(const PostgresOptions& options, std::function<void(const std::string&)> on_failure);

 private:
  std::jthread thread_;
};

}  // namespace codasync::storage
