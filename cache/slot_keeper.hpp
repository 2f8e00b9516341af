#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cache/node.hpp"
#include "cache/slot_rules.hpp"
#include "storage/slot_table.hpp"

namespace codasync::cache {

/// Is told what becomes of the slots. Calls come from the keeper's thread; must not block or throw.
class SlotObserver {
 public:
  virtual ~SlotObserver() = default;

  /// What the keeper saw in a round, also of changes by other processes.
  virtual void saw(const storage::CacheState&) {}

  /// It has been through all slots.
  virtual void finished() {}

  /// CacheState::history is another one than in the round before. Each process's keeper sees that
  /// for itself.
  virtual void history_changed() {}

  /// This keeper changed a slot. `wait`: how long its writers give up at most, after
  /// SlotStep::wait.
  virtual void changed(std::size_t /*slot*/, SlotStep, std::chrono::milliseconds /*wait*/) {}

  /// A round came to nothing; the next one tries again. `log_detail` is the same as long as nothing
  /// changes.
  virtual void failed(const std::string& /*log_detail*/) {}
};

/// Looks after the slots, in every process; any of them may do what has to be done, and only one at
/// a time does. It measures the wait for a lost slot by its own steady clock, so a process that
/// starts begins to wait anew. Threads: its own one; report() is safe anywhere and never blocks.
class SlotKeeper {
 public:
  using Clock = std::chrono::steady_clock;

  /// All must outlive the keeper. `clock` is asked anew after everything that may take time.
  SlotKeeper(storage::SlotTable& table, Nodes& nodes, SlotObserver& observer,
             std::function<Clock::time_point()> clock = Clock::now);

  /// A deletion in a slot was not acknowledged: it is looked at now, or within a fifth of a second
  /// where one is looked at already.
  void report(std::size_t slot);

  /// Goes through all slots once. For tests and for a program that has no thread to spare; the
  /// keeper's own thread does nothing else.
  void round();

  /// Begins to do so by itself, until destroyed.
  void start();

 private:
  /// Since when this keeper has seen a slot in a state in which nothing is filled.
  struct Wait {
    Instant since;
    Clock::time_point seen;
  };

  /// What this keeper knows of a slot.
  struct Known {
    std::optional<storage::Slot> seen;  // in the newest round, or as it was left; nothing: not yet
    std::optional<Wait> wait;
    Silence silence;
  };

  void run(const std::stop_token& stop);
  void look_after(const storage::CacheState& state, const storage::Slot& slot);
  [[nodiscard]] bool waited(const storage::CacheState& state, const storage::Slot& slot);
  [[nodiscard]] std::optional<storage::SlotChange> decide(const storage::CacheState& state,
                                                          const storage::Slot& slot, NodeView node,
                                                          SlotStep& step);

  storage::SlotTable& table_;
  Nodes& nodes_;
  SlotObserver& observer_;
  const std::function<Clock::time_point()> clock_;

  // The keeper's thread only.
  std::vector<Known> known_;  // by slot
  std::string history_;       // as seen last; empty: not yet
  bool all_well_{false};

  std::mutex mutex_;
  std::condition_variable_any reported_;
  std::set<std::size_t> reports_;  // guarded

  std::jthread thread_;  // last: it uses all the others
};

}  // namespace codasync::cache
