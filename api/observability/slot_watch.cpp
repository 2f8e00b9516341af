#include "api/observability/slot_watch.hpp"

namespace codasync::api {

void SlotLog::saw(const storage::CacheState& state) {
  metrics_.slots(state);
  last_failure_.clear();
}

void SlotLog::changed(std::size_t slot, cache::SlotStep step, std::chrono::milliseconds wait) {
  const std::string& server = options_.servers.at(slot);
  switch (step) {
    case cache::SlotStep::none:
      return;
    case cache::SlotStep::wait:
      return log_.warning(
          "a cache slot does not answer: writes of its keys get 503 until it does, or until "
          "nothing that "
          "it holds can be read. Start it again, or look at the way to it",
          {{"slot", slot},
           {"server", server},
           {"state", "waiting"},
           {"seconds_max", std::chrono::ceil<std::chrono::seconds>(wait).count()}});
    case cache::SlotStep::give_up:
      return log_.warning(
          "nothing in a cache slot can be read any more: reads and writes go on without it. Start "
          "its server again, and it is used by itself",
          {{"slot", slot}, {"server", server}, {"state", "down"}});
    case cache::SlotStep::take_up:
      return log_.info("a cache slot answers again",
                       {{"slot", slot}, {"server", server}, {"state", "up"}});
    case cache::SlotStep::empty:
      return log_.info("a cache slot was emptied and is in use",
                       {{"slot", slot}, {"server", server}, {"state", "up"}});
  }
}

void SlotLog::history_changed() {
  forget_();
  log_.warning(
      "the database has another history, after a failover or a restore: what this process "
      "remembered of it is forgotten");
}

void SlotLog::failed(const std::string& log_detail) {
  if (log_detail == last_failure_) return;
  last_failure_ = log_detail;
  log_.warning("the cache slots cannot be looked after", {{"detail", log_detail}});
}

}  // namespace codasync::api
