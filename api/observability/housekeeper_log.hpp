#pragma once

#include <string>

#include "api/observability/feed_lag.hpp"
#include "api/observability/log.hpp"
#include "storage/housekeeper.hpp"

namespace codasync::api {

/// Logs the results of housekeeping, and notes the horizon of the change feed. Threads: the
/// housekeeper's only.
class HousekeeperLog final : public storage::HousekeeperObserver {
 public:
  HousekeeperLog(Log& log, FeedLag& feed_lag) : log_{log}, feed_lag_{feed_lag} {}

  void on_failure(const std::string& what) override;
  void on_clock_offset(std::chrono::microseconds offset) override;
  void on_clock_repair(std::size_t readings) override;
  void on_feed_horizon(storage::FeedHorizon horizon) override { feed_lag_.note(horizon); }

 private:
  Log& log_;
  FeedLag& feed_lag_;
  std::string last_failure_;  // a failure that repeats is logged once
};

}  // namespace codasync::api
