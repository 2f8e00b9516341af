#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "api/observability/samples.hpp"
#include "storage/database.hpp"
#include "storage/mutex.hpp"

namespace codasync::api {

/// The number of expired readings of each shop. A scrape queries the database when the last result
/// is older than kMaxAge. Threads: safe concurrently; a caller waits while another one queries.
class ExpiredReadings {
 public:
  static constexpr std::chrono::seconds kMaxAge{60};
  static constexpr std::size_t kShopsMax = 1'000;  // those with the most expired readings

  /// `database` must outlive it.
  explicit ExpiredReadings(storage::Database& database) : database_{database} {}

  /// Returns: one sample for each shop. Throws: Unavailable.
  std::vector<Sample> samples();

 private:
  storage::Database& database_;
  Mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> collected_at_ CODASYNC_GUARDED_BY(mutex_);
  std::vector<Sample> samples_ CODASYNC_GUARDED_BY(mutex_);
};

}  // namespace codasync::api
