#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cache/server_control.hpp"
#include "cache/slot_rules.hpp"
#include "storage/mutex.hpp"
#include "storage/slot_table.hpp"

namespace codasync::cache {

/// Is called at each event of the slots. Calls come from the keeper's thread; they must not block
/// or throw.
class SlotObserver {
 public:
  virtual ~SlotObserver() = default;

  /// The table as the keeper read it in a round, with the changes by other processes.
  virtual void saw(const storage::CacheState&) {}

  /// The round has checked all slots.
  virtual void finished() {}

  /// Instead of saw(): this process has another number of slots than the others. `writes_refused`:
  /// entries can still be read, so its writes are refused.
  virtual void disagreed(bool /*writes_refused*/) {}

  /// CacheState::history differs from the round before. Each process's keeper detects that itself.
  virtual void history_changed() {}

  /// Another process than the one that was emptied responds at the address of a slot, and that one
  /// may still run: it counts as no response. Is called in each round.
  virtual void another_process(std::size_t /*slot*/) {}

  /// This keeper emptied a slot, which has a new identity. Is called before changed().
  virtual void emptied(std::size_t /*slot*/, const std::string& /*identity*/) {}

  /// This keeper changed a slot. `wait`: how long its writers are refused at most, after
  /// SlotStep::mark_waiting.
  virtual void changed(std::size_t /*slot*/, SlotStep, std::chrono::milliseconds /*wait*/) {}

  /// A round failed; the next one tries again. `log_detail` does not change as long as the reason
  /// is the same.
  virtual void failed(const std::string& /*log_detail*/) {}
};

/// Monitors the slots, in every process. Any process may change a slot's state, and only one at a
/// time does. The keeper measures the wait for a lost slot by its own steady clock, so a process
/// that starts also starts to wait from zero. Threads: one of its own; report() is safe
/// concurrently and never blocks.
class SlotKeeper {
 public:
  using Clock = std::chrono::steady_clock;

  /// All must outlive the keeper. `clock` is read again after everything that may take time.
  SlotKeeper(storage::SlotTable& table, ServerControl& servers, SlotObserver& observer,
             std::function<Clock::time_point()> clock = Clock::now);

  /// A deletion in a slot was not acknowledged. The keeper checks the slot now, or within a fifth
  /// of a second while a slot is not in use.
  void report(std::size_t slot);

  /// Checks all slots once. For tests and for a program without a thread for it; the keeper's own
  /// thread does nothing else.
  void round();

  /// Starts the thread, which runs until the destructor.
  void start();

 private:
  /// Since when this keeper has seen a slot in a state without fills.
  struct Wait {
    Instant since;
    Clock::time_point seen;
  };

  /// What this keeper has seen of a slot.
  struct Known {
    std::optional<storage::Slot> seen;  // in the newest round, or as it was left; nothing: not yet
    std::optional<Wait> wait;
    NoResponseTimer no_response;
    std::string identified;  // the identity with which the process was compared last
    std::optional<Clock::time_point> asked;  // since when this keeper sees its SlotTable::ask()
  };

  void run(const std::stop_token& stop);
  void check_slot(const storage::CacheState& state, const storage::Slot& slot);
  [[nodiscard]] ServerView view_of(const storage::Slot& slot);
  bool no_process_objects(const storage::Slot& slot);
  [[nodiscard]] bool waited(const storage::CacheState& state, const storage::Slot& slot);
  [[nodiscard]] std::optional<storage::SlotChange> decide(const storage::CacheState& state,
                                                          const storage::Slot& slot,
                                                          ServerView server, SlotStep& step);

  storage::SlotTable& table_;
  ServerControl& servers_;
  SlotObserver& observer_;
  const std::function<Clock::time_point()> clock_;

  // The keeper's thread only.
  std::vector<Known> known_;  // by slot
  std::string history_;       // of the last round; empty: not yet
  bool all_in_use_{false};

  Mutex mutex_;
  StoppableCondition reported_;
  std::set<std::size_t> reports_ CODASYNC_GUARDED_BY(mutex_);

  std::jthread thread_;  // last: it uses all the others
};

}  // namespace codasync::cache
