#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "api/observability/log.hpp"
#include "api/observability/metrics.hpp"
#include "cache/options.hpp"
#include "cache/slot_identity.hpp"
#include "cache/slot_keeper.hpp"

namespace codasync::api {

/// Reports changes of the cache slots in the log and the metrics. Clears what this process cached
/// in memory when the database has another history.
class SlotLog final : public cache::SlotObserver {
 public:
  /// All must outlive it. `clear` is called on the slot keeper's thread; it must not block or
  /// throw.
  SlotLog(const cache::MemcachedOptions& options, Metrics& metrics, Log& log,
          std::function<void()> clear)
      : options_{options}, metrics_{metrics}, log_{log}, clear_{std::move(clear)} {}

  /// Returns: the identities of the slots, as the slot keeper read them last.
  [[nodiscard]] const cache::SlotIdentities& identities() const noexcept { return identities_; }

  /// Returns: whether the slot keeper has checked all slots once, so that they can be filled.
  [[nodiscard]] bool seen() const noexcept { return seen_; }

  /// Returns: whether this process has another number of slots than the others, so that its writes
  /// are refused.
  [[nodiscard]] bool writes_refused() const noexcept { return writes_refused_; }

  void saw(const storage::CacheState& state) override;
  void disagreed(bool writes_refused) override { writes_refused_ = writes_refused; }
  void changed(std::size_t slot, cache::SlotStep step, std::chrono::milliseconds wait) override;
  void finished() override { seen_ = true; }
  void history_changed() override;
  void emptied(std::size_t slot, const std::string& identity) override {
    identities_.set(slot, identity);
  }
  void another_process(std::size_t slot) override;
  void failed(const std::string& log_detail) override;

 private:
  const cache::MemcachedOptions& options_;
  Metrics& metrics_;
  Log& log_;
  const std::function<void()> clear_;
  cache::SlotIdentities identities_;
  std::atomic<bool> seen_{false};
  std::atomic<bool> writes_refused_{false};
  std::string last_failure_;  // slot keeper's thread only
};

}  // namespace codasync::api
