#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <vector>

#include "api/observability/figures.hpp"
#include "storage/database.hpp"

namespace codasync::api {

/// How many readings have expired, by shop. The database is asked when somebody scrapes and the
/// last answer is older than kKept: at most once a minute by this process, however many scrape.
/// Threads: safe concurrently; who comes while it is asked waits.
class ExpiredReadings {
 public:
  static constexpr std::chrono::seconds kKept{60};
  static constexpr std::size_t kShopsMax = 1'000;  // those with the most

  /// `database` must outlive it.
  explicit ExpiredReadings(storage::Database& database) : database_{database} {}

  /// Returns: one figure for each shop. Throws: Unavailable.
  std::vector<Figure> figures();

 private:
  storage::Database& database_;
  std::mutex mutex_;  // guards the next two
  std::optional<std::chrono::steady_clock::time_point> asked_;
  std::vector<Figure> figures_;
};

}  // namespace codasync::api
