#pragma once

#include <chrono>
#include <optional>

#include "cache/unreachable.hpp"
#include "storage/slot_table.hpp"

namespace codasync::cache {

/// What the slot keeper has to do with a slot.
enum class SlotStep {
  none,
  mark_waiting,  // no response for long: no fills, and its writers fail, until it responds again or
                 // all its entries have expired
  mark_down,     // writers commit without it
  mark_up,       // it responds again, and no change was committed without it: all entries are valid
  flush,         // and only then use it: it may contain old entries
};

/// The state of a slot's server, as one keeper sees it.
struct ServerView {
  std::optional<Unreachable> failure;  // of the newest probe; nothing: it was acknowledged
  bool no_response_long{false};        // see NoResponseTimer
  bool waited{false};     // no fill for wait_after_last_fill(): all entries have expired
  bool restarted{false};  // the process is not the one that was emptied, and that one has ended
};

/// The state machine of a slot (cache/README.md). Pure.
SlotStep step_for(const storage::Slot& slot, bool fills, const ServerView& server);

/// Decides when a server without a response is a reason to refuse all writes to its slot. A stall
/// of some milliseconds is not. Neither is a fault of this process alone, which is likely when
/// another process marked the slot up again. Safety does not depend on it: a writer that cannot
/// delete does not commit, whatever the slot's state is. Threads: one.
class NoResponseTimer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr int kRoundsMin = 3;
  static constexpr std::chrono::seconds kDurationMin{3};
  /// After another process marked the slot up.
  static constexpr std::chrono::seconds kPauseAfterMarkUp{10};

  /// Records the result of a probe at `now`.
  void record(std::optional<Unreachable> failure, Time now);

  /// Records that another process marked the slot up.
  void marked_up(Time now);

  /// Returns: whether the newest probe got no response.
  [[nodiscard]] bool running() const noexcept { return rounds_ > 0; }

  /// Returns: whether the server has not responded for so long, and in so many rounds, that its
  /// writers have to be refused.
  [[nodiscard]] bool expired(Time now) const;

 private:
  int rounds_{0};  // in a row
  Time since_{};
  std::optional<Time> marked_up_;
};

}  // namespace codasync::cache
