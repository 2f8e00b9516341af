#include "cache/slot_keeper.hpp"

#include <exception>
#include <utility>

#include "cache/entry_end.hpp"

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;
using storage::CacheState;
using storage::Slot;
using storage::SlotChange;
using storage::SlotState;

constexpr auto kPause = 1s;              // between two rounds
constexpr auto kPauseInTrouble = 200ms;  // while a slot is not in use

/// Since when nothing has been filled into a slot; nothing: it may be filled at this moment.
std::optional<Instant> unfilled_since(const CacheState& state, const Slot& slot) {
  if (slot.state != SlotState::up) return slot.since;
  if (!state.fills) return state.since;
  return std::nullopt;
}

}  // namespace

SlotKeeper::SlotKeeper(storage::SlotTable& table, Nodes& nodes, SlotObserver& observer,
                       std::function<Clock::time_point()> clock)
    : table_{table},
      nodes_{nodes},
      observer_{observer},
      clock_{std::move(clock)},
      known_(nodes.count()) {}

void SlotKeeper::start() {
  thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void SlotKeeper::report(std::size_t slot) {
  {
    const std::scoped_lock hold{mutex_};
    reports_.insert(slot);
  }
  reported_.notify_one();
}

void SlotKeeper::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    round();
    std::unique_lock hold{mutex_};
    // Lost deletions are reported as fast as writers come; in trouble they change nothing.
    reported_.wait_for(hold, stop, all_well_ ? Clock::duration{kPause} : kPauseInTrouble,
                       [this] { return all_well_ && !reports_.empty(); });
  }
}

void SlotKeeper::round() {
  all_well_ = false;
  try {
    const CacheState state = table_.look();
    const std::string before = std::exchange(history_, state.history);
    if (!before.empty() && before != history_) observer_.history_changed();
    if (state.slots_agreed != nodes_.count()) {
      observer_.failed("memcached.servers names " + std::to_string(nodes_.count()) + " here and " +
                       std::to_string(state.slots_agreed) +
                       " elsewhere: this process neither fills nor keeps slots, and its writes are"
                       " refused. `codasync cache off`, and `on` when all agree");
      observer_.finished();
      return;
    }
    observer_.saw(state);
    all_well_ = true;
    for (const Slot& slot : state.slots) look_after(state, slot);
    observer_.finished();
  } catch (const std::exception& failure) {
    all_well_ = false;
    observer_.failed(failure.what());
  }
}

void SlotKeeper::look_after(const CacheState& state, const Slot& slot) {
  Known& known = known_.at(slot.number);
  if (known.seen && slot.state == SlotState::up &&
      (known.seen->state != SlotState::up || known.seen->since != slot.since))
    known.silence.taken_up(clock_());
  known.seen = slot;

  bool reported = false;
  {
    const std::scoped_lock hold{mutex_};
    reported = reports_.erase(slot.number) > 0;
  }
  const bool over = waited(state, slot);
  const bool in_use = slot.state == SlotState::up && (slot.emptied_now || !state.fills);
  const bool suspected = reported || known.silence.begun();
  if (in_use && !suspected && !over) return;
  if (slot.state == SlotState::down && !state.fills) return;
  all_well_ = all_well_ && in_use && !suspected;

  // Asked before anybody has to wait for the exclusive lock.
  const NodeReply reply = nodes_.ask(slot.number);
  const auto now = clock_();
  known.silence.heard(reply, now);
  const NodeView node{reply, known.silence.long_enough(now), over};
  SlotStep step = step_for(slot, state.fills, node);
  if (step == SlotStep::none) return;
  const auto change = table_.change(slot.number, [&](const CacheState& held, const Slot& mine) {
    return decide(held, mine, node, step);
  });
  if (!change) return;
  // Only what other processes do after this counts as theirs.
  known.seen.reset();
  if (change->state != SlotState::up) known.seen = Slot{slot.number, change->state};
  observer_.changed(slot.number, step, wait_after_last_fill(state.entry_life));
}

/// Under the exclusive lock: nobody fills, nobody writes.
std::optional<SlotChange> SlotKeeper::decide(const CacheState& state, const Slot& slot,
                                             NodeView node, SlotStep& step) {
  node.waited = waited(state, slot);
  // Another process took it up since then.
  if (slot.since != known_.at(slot.number).seen->since) node.silent_long = false;
  // That nobody listened counts only if it is so now: the process may have been started again and
  // filled since.
  if (node.reply == NodeReply::gone) node.reply = nodes_.ask(slot.number);
  step = step_for(slot, state.fills, node);
  switch (step) {
    case SlotStep::none:
      return std::nullopt;
    case SlotStep::wait:
      return SlotChange{SlotState::waiting};
    case SlotStep::give_up:
      return SlotChange{SlotState::down};
    case SlotStep::take_up:
      return SlotChange{SlotState::up};
    case SlotStep::empty:
      if (nodes_.empty(slot.number) != NodeReply::done) return std::nullopt;
      return SlotChange{SlotState::up, true};
  }
  __builtin_unreachable();
}

bool SlotKeeper::waited(const CacheState& state, const Slot& slot) {
  auto& wait = known_.at(slot.number).wait;
  const auto since = unfilled_since(state, slot);
  if (!since) {
    wait.reset();
    return false;
  }
  const auto now = clock_();
  if (!wait || wait->since != *since) wait = Wait{*since, now};
  return now - wait->seen >= wait_after_last_fill(state.entry_life);
}

}  // namespace codasync::cache
