#pragma once

#include <string>

#include "api/observability/log.hpp"
#include "storage/housekeeper.hpp"

namespace codasync::api {

/// Logs the results of housekeeping. Threads: the housekeeper's only.
class HousekeeperLog final : public storage::HousekeeperObserver {
 public:
  explicit HousekeeperLog(Log& log) : log_{log} {}

  void on_failure(const std::string& what) override;
  void on_clock_offset(std::chrono::microseconds offset) override;
  void on_clock_repair(std::size_t readings) override;

 private:
  Log& log_;
  std::string last_failure_;  // a failure that repeats is logged once
};

}  // namespace codasync::api
