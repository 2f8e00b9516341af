#include "cache/slot_rules.hpp"

namespace codasync::cache {
namespace {

using storage::SlotState;

SlotStep step_for_up(const storage::Slot& slot, bool fills, const ServerView& server) {
  // The cache is off, and the entries of this slot have expired.
  if (!fills && server.waited) return SlotStep::mark_down;
  if (!server.failure)
    return fills && (!slot.emptied_now || server.restarted) ? SlotStep::flush : SlotStep::none;
  switch (*server.failure) {
    case Unreachable::refused:
      return SlotStep::mark_down;
    case Unreachable::no_response:
      return server.no_response_long ? SlotStep::mark_waiting : SlotStep::none;
  }
  __builtin_unreachable();
}

SlotStep step_for_waiting(bool fills, const ServerView& server) {
  if (!server.failure && server.restarted) return fills ? SlotStep::flush : SlotStep::mark_down;
  if (!server.failure) return SlotStep::mark_up;
  switch (*server.failure) {
    case Unreachable::refused:
      return SlotStep::mark_down;
    case Unreachable::no_response:
      return server.waited ? SlotStep::mark_down : SlotStep::none;
  }
  __builtin_unreachable();
}

}  // namespace

SlotStep step_for(const storage::Slot& slot, bool fills, const ServerView& server) {
  switch (slot.state) {
    case SlotState::up:
      return step_for_up(slot, fills, server);
    case SlotState::waiting:
      return step_for_waiting(fills, server);
    case SlotState::down:
      return fills && !server.failure ? SlotStep::flush : SlotStep::none;
  }
  __builtin_unreachable();
}

void NoResponseTimer::record(std::optional<Unreachable> failure, Time now) {
  if (rounds_ == 0) since_ = now;
  rounds_ = failure == Unreachable::no_response ? rounds_ + 1 : 0;
}

void NoResponseTimer::marked_up(Time now) {
  rounds_ = 0;
  marked_up_ = now;
}

bool NoResponseTimer::expired(Time now) const {
  return rounds_ >= kRoundsMin && now - since_ >= kDurationMin &&
         (!marked_up_ || now - *marked_up_ >= kPauseAfterMarkUp);
}

}  // namespace codasync::cache
