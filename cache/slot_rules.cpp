#include "cache/slot_rules.hpp"

namespace codasync::cache {
namespace {

using storage::SlotState;

SlotStep step_for_up(const storage::Slot& slot, bool fills, const NodeView& node) {
  if (!fills && node.waited)
    return SlotStep::give_up;  // the cache is off, and this slot does not matter any more
  switch (node.reply) {
    case NodeReply::done:
      return fills && !slot.emptied_now ? SlotStep::empty : SlotStep::none;
    case NodeReply::gone:
      return SlotStep::give_up;
    case NodeReply::silent:
      return node.silent_long ? SlotStep::wait : SlotStep::none;
  }
  __builtin_unreachable();
}

SlotStep step_for_waiting(const NodeView& node) {
  switch (node.reply) {
    case NodeReply::done:
      return SlotStep::take_up;
    case NodeReply::gone:
      return SlotStep::give_up;
    case NodeReply::silent:
      return node.waited ? SlotStep::give_up : SlotStep::none;
  }
  __builtin_unreachable();
}

}  // namespace

SlotStep step_for(const storage::Slot& slot, bool fills, const NodeView& node) {
  switch (slot.state) {
    case SlotState::up:
      return step_for_up(slot, fills, node);
    case SlotState::waiting:
      return step_for_waiting(node);
    case SlotState::down:
      return fills && node.reply == NodeReply::done ? SlotStep::empty : SlotStep::none;
  }
  __builtin_unreachable();
}

void Silence::heard(NodeReply reply, Time now) {
  if (rounds_ == 0) since_ = now;
  rounds_ = reply == NodeReply::silent ? rounds_ + 1 : 0;
}

void Silence::taken_up(Time now) {
  rounds_ = 0;
  taken_up_ = now;
}

bool Silence::long_enough(Time now) const {
  return rounds_ >= kRoundsMin && now - since_ >= kTimeMin &&
         (!taken_up_ || now - *taken_up_ >= kTrustOthers);
}

}  // namespace codasync::cache
