#pragma once

#include <optional>

#include "cache/node.hpp"
#include "storage/slot_table.hpp"

namespace codasync::cache {

/// What has to be done about a slot.
enum class SlotStep {
  none,
  wait,  // its server is silent: no fills, and its writers give up, until it is back or nothing in
         // it can be alive
  give_up,  // writers go on without it
  take_up,  // it is back, and every change has been told to it: it is as good as before
  empty,    // and only then use it: it holds something of before
};

/// The life of a slot (cache/README.md). Pure. `reply`: of its server, just now. `waited`: what it
/// holds is dead, because nothing has been filled for wait_after_last_fill().
SlotStep step_for(const storage::Slot& slot, bool fills, NodeReply reply, bool waited);

}  // namespace codasync::cache
