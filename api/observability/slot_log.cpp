#include "api/observability/slot_log.hpp"

namespace codasync::api {

void SlotLog::saw(const storage::CacheState& state) {
  metrics_.slots(state);
  for (const auto& slot : state.slots) {
    // A slot that was not emptied for this history is not used yet.
    identities_.set(slot.number, slot.emptied_now ? slot.identity : std::string{});
  }
  writes_refused_ = false;
  last_failure_.clear();
}

void SlotLog::changed(std::size_t slot, cache::SlotStep step, std::chrono::milliseconds wait) {
  const std::string& server = options_.servers.at(slot);
  switch (step) {
    case cache::SlotStep::none:
      return;
    case cache::SlotStep::mark_waiting:
      return log_.warning(
          "the Memcached server of a slot is unavailable: writes of its keys get 503 until it "
          "responds or none of its entries can be read any more. Start it again or check the "
          "network",
          {{"slot", slot},
           {"server", server},
           {"state", "waiting"},
           {"seconds_max", std::chrono::ceil<std::chrono::seconds>(wait).count()}});
    case cache::SlotStep::mark_down:
      return log_.warning(
          "no entry of this cache slot can be read any more: reads and writes continue without it. "
          "When its Memcached server responds again, the slot is used automatically",
          {{"slot", slot}, {"server", server}, {"state", "down"}});
    case cache::SlotStep::mark_up:
      return log_.info("the Memcached server of a slot responds again",
                       {{"slot", slot}, {"server", server}, {"state", "up"}});
    case cache::SlotStep::flush:
      return log_.info("a cache slot was emptied and is in use",
                       {{"slot", slot}, {"server", server}, {"state", "up"}});
  }
}

void SlotLog::another_process(std::size_t slot) {
  log_.error(
      "another process than the emptied Memcached responds at the address of a slot: two processes "
      "behind one address, a socket that was taken over, or another order of the servers than in "
      "other processes. Writes of its keys get 503, because old entries may be read",
      {{"slot", slot}, {"server", options_.servers.at(slot)}});
}

void SlotLog::history_changed() {
  clear_();
  log_.warning(
      "the database has another history, after a failover or a restore: data cached in this "
      "process was cleared");
}

void SlotLog::failed(const std::string& log_detail) {
  if (log_detail == last_failure_) return;
  last_failure_ = log_detail;
  log_.warning("cannot check the cache slots", {{"detail", log_detail}});
}

}  // namespace codasync::api
