#include "api/observability/housekeeper_log.hpp"

#include "storage/clock.hpp"

namespace codasync::api {

void HousekeeperLog::on_failure(const std::string& what) {
  if (what == last_failure_) return;
  last_failure_ = what;
  log_.warning("housekeeping failed; it is tried again", {{"detail", what}});
}

void HousekeeperLog::on_clock_offset(std::chrono::microseconds offset) {
  const auto seconds = std::chrono::duration<double>{offset}.count();
  if (std::chrono::abs(offset) > storage::kClockDifferenceWarning) {
    log_.warning("this machine's clock and PostgreSQL's differ: synchronise both (NTP)",
                 {{"seconds_behind", seconds}});
  } else {
    log_.info("this machine's clock and PostgreSQL's agree again", {{"seconds_behind", seconds}});
  }
}

void HousekeeperLog::on_clock_repair(std::size_t readings) {
  log_.warning(
      "PostgreSQL's clock had been wrong: readings with events in the future were repaired",
      {{"readings", readings}});
}

}  // namespace codasync::api
