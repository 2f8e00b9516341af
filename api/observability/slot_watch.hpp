#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "api/observability/log.hpp"
#include "api/observability/metrics.hpp"
#include "cache/options.hpp"
#include "cache/slot_keeper.hpp"

namespace codasync::api {

/// Says in the log and in the metrics what becomes of the cache's slots, and lets the process
/// forget what it read from another history of the database.
class SlotLog final : public cache::SlotObserver {
 public:
  /// All must outlive it. `forget` is called on the keeper's thread; it must not block or throw.
  SlotLog(const cache::MemcachedOptions& options, Metrics& metrics, Log& log,
          std::function<void()> forget)
      : options_{options}, metrics_{metrics}, log_{log}, forget_{std::move(forget)} {}

  /// Returns: whether the keeper has been through its slots once, so that they may be filled.
  [[nodiscard]] bool seen() const noexcept { return seen_; }

  void saw(const storage::CacheState& state) override;
  void changed(std::size_t slot, cache::SlotStep step, std::chrono::milliseconds wait) override;
  void finished() override { seen_ = true; }
  void history_changed() override;
  void failed(const std::string& log_detail) override;

 private:
  const cache::MemcachedOptions& options_;
  Metrics& metrics_;
  Log& log_;
  const std::function<void()> forget_;
  std::atomic<bool> seen_{false};
  std::string last_failure_;  // the keeper's thread only
};

/// Counts what the cache does, and has the keeper look at a slot that did not acknowledge a
/// deletion. Not at one that a read got no answer from: reads go on without it, and the fault may
/// be this process's own.
class CacheWatch final : public cache::Observer {
 public:
  CacheWatch(Metrics& metrics, cache::SlotKeeper& keeper) : metrics_{metrics}, keeper_{keeper} {}

  void looked_up(cache::LookupState state) override { metrics_.looked_up(state); }
  void read(cache::ReadPath path) override { metrics_.read(path); }
  void unavailable(std::size_t slot, std::string_view log_detail) override {
    metrics_.unavailable(slot, log_detail);
  }
  void malformed(std::size_t slot) override { metrics_.malformed(slot); }
  void delete_failed(std::size_t slot, cache::Loss loss, std::string_view log_detail) override {
    metrics_.delete_failed(slot, loss, log_detail);
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
