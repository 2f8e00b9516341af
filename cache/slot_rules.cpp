#include "cache/slot_rules.hpp"

namespace codasync::cache {
namespace {

using storage::SlotState;

SlotStep step_for_up(const storage::Slot& slot, bool fills, NodeReply reply, bool waited) {
  if (!fills && waited)
    return SlotStep::give_up;  // the cache is off, and this slot does not matter any more
  switch (reply) {
    case NodeReply::done:
      return fills && !slot.emptied_now ? SlotStep::empty : SlotStep::none;
    case NodeReply::gone:
      return SlotStep::give_up;
    case NodeReply::silent:
      return SlotStep::wait;
  }
  __builtin_unreachable();
}

SlotStep step_for_waiting(NodeReply reply, bool waited) {
  switch (reply) {
    case NodeReply::done:
      return SlotStep::take_up;
    case NodeReply::gone:
      return SlotStep::give_up;
    case NodeReply::silent:
      return waited ? SlotStep::give_up : SlotStep::none;
  }
  __builtin_unreachable();
}

}  // namespace

SlotStep step_for(const storage::Slot& slot, bool fills, NodeReply reply, bool waited) {
  switch (slot.state) {
    case SlotState::up:
      return step_for_up(slot, fills, reply, waited);
    case SlotState::waiting:
      return step_for_waiting(reply, waited);
    case SlotState::down:
      return fills && reply == NodeReply::done ? SlotStep::empty : SlotStep::none;
  }
  __builtin_unreachable();
}

}  // namespace codasync::cache
