#pragma once

#include <chrono>
#include <optional>

#include "cache/node.hpp"
#include "storage/slot_table.hpp"

namespace codasync::cache {

/// What has to be done about a slot.
enum class SlotStep {
  none,
  wait,  // its server has been silent for long: no fills, and its writers give up, until it is back
         // or nothing in it can be alive
  give_up,  // writers go on without it
  take_up,  // it is back, and every change has been told to it: it is as good as before
  empty,    // and only then use it: it holds something of before
};

/// What a keeper knows of a slot's server.
struct NodeView {
  NodeReply reply;          // just now
  bool silent_long{false};  // see Silence
  bool waited{false};  // nothing has been filled for wait_after_last_fill(): what it holds is dead
};

/// The life of a slot (cache/README.md). Pure.
SlotStep step_for(const storage::Slot& slot, bool fills, const NodeView& node);

/// Whether a server that does not answer one keeper is worth stopping everybody's writes to its
/// slot. A stall of some milliseconds is not, nor is a fault of this process alone, which shows in
/// that another process took the slot up again. Safety does not depend on it: whoever cannot delete
/// does not commit, whatever the slot's state is. Threads: one.
class Silence {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr int kRoundsMin = 3;
  static constexpr std::chrono::seconds kTimeMin{3};
  static constexpr std::chrono::seconds kTrustOthers{10};  // after another process took the slot up

  /// The server answered, or did not, when it was asked at `now`.
  void heard(NodeReply reply, Time now);

  /// Another process took the slot up.
  void taken_up(Time now);

  /// Returns: whether it did not answer when it was asked last.
  [[nodiscard]] bool begun() const noexcept { return rounds_ > 0; }

  [[nodiscard]] bool long_enough(Time now) const;

 private:
  int rounds_{0};  // in a row
  Time since_{};
  std::optional<Time> taken_up_;
};

}  // namespace codasync::cache
