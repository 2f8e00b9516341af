#include "api/observability/housekeeper_log.hpp"

#include "storage/clock.hpp"

namespace codasync::api {

void HousekeeperLog::on_failure(const std::string& what) {
  if (what == last_failure_) return;
  last_failure_ = what;
  log_.warning("periodic cleanup failed and will be repeated", {{"detail", what}});
}

void HousekeeperLog::on_clock_offset(std::chrono::microseconds offset) {
  const auto seconds = std::chrono::duration<double>{offset}.count();
  if (std::chrono::abs(offset) > storage::kClockDifferenceWarning) {
    log_.warning("the clocks of this machine and of PostgreSQL differ; synchronise both (NTP)",
                 {{"seconds_behind", seconds}});
  } else {
    log_.info("the clocks of this machine and of PostgreSQL agree again",
              {{"seconds_behind", seconds}});
  }
}

void HousekeeperLog::on_clock_repair(std::size_t readings) {
  log_.warning("PostgreSQL's clock was wrong; readings with events in the future were repaired",
               {{"readings", readings}});
}

}  // namespace codasync::api
