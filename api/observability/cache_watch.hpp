#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "api/observability/metrics.hpp"
#include "cache/observer.hpp"
#include "cache/slot_keeper.hpp"

namespace codasync::api {

/// Counts the events of the cache. Reports a slot that did not acknowledge a delete to the slot
/// keeper, but not a slot that failed a read: reads continue without it, and the cause may be in
/// this process. Threads: safe concurrently.
class CacheWatch final : public cache::Observer {
 public:
  CacheWatch(Metrics& metrics, cache::SlotKeeper& keeper) : metrics_{metrics}, keeper_{keeper} {}

  void looked_up(cache::LookupState state) override { metrics_.looked_up(state); }
  void read(cache::ReadPath path) override { metrics_.read(path); }
  void unavailable(std::size_t slot, std::string_view log_detail) override {
    metrics_.unavailable(slot, log_detail);
  }
  void malformed(std::size_t slot) override { metrics_.malformed(slot); }
  void delete_failed(std::size_t slot, cache::Unreachable reason,
                     std::string_view log_detail) override {
    metrics_.delete_failed(slot, reason, log_detail);
    keeper_.report(slot);
  }
  void deleted(std::size_t keys, std::chrono::nanoseconds took) override {
    metrics_.deleted(keys, took);
  }

 private:
  Metrics& metrics_;
  cache::SlotKeeper& keeper_;
};

}  // namespace codasync::api
