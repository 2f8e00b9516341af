#include "cache/slot_keeper.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "cache/entry_expiry.hpp"
#include "cache/slot_identity.hpp"
#include "storage/failpoint.hpp"

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;
using storage::CacheState;
using storage::Slot;
using storage::SlotChange;
using storage::SlotState;

constexpr auto kPause = 1s;          // between two rounds
constexpr auto kShortPause = 200ms;  // while a slot is not in use
constexpr auto kObjection = 3s;      // in three rounds, each other process can object

/// Returns: since when a slot has had no fill; nothing: a fill is possible at this moment.
std::optional<Instant> unfilled_since(const CacheState& state, const Slot& slot) {
  if (slot.state != SlotState::up) return slot.since;
  if (!state.fills) return state.since;
  return std::nullopt;
}

}  // namespace

SlotKeeper::SlotKeeper(storage::SlotTable& table, ServerControl& servers, SlotObserver& observer,
                       std::function<Clock::time_point()> clock)
    : table_{table},
      servers_{servers},
      observer_{observer},
      clock_{std::move(clock)},
      known_(servers.count()) {}

void SlotKeeper::start() {
  thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void SlotKeeper::report(std::size_t slot) {
  {
    const MutexLock hold{mutex_};
    reports_.insert(slot);
  }
  reported_.notify_one();
}

void SlotKeeper::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    round();
    MutexLock hold{mutex_};
    // While a slot is not in use, each writer reports a failed deletion. They change nothing.
    reported_.wait_for(hold, stop, all_in_use_ ? Clock::duration{kPause} : kShortPause,
                       [this]()
                           CODASYNC_REQUIRES(mutex_) { return all_in_use_ && !reports_.empty(); });
  }
}

void SlotKeeper::round() {
  all_in_use_ = false;
  try {
    servers_.resolve();  // before any lock is taken
    const CacheState state = table_.look();
    const std::string before = std::exchange(history_, state.history);
    if (!before.empty() && before != history_) observer_.history_changed();
    if (state.slots_agreed != servers_.count()) {
      observer_.disagreed(std::ranges::any_of(
          state.slots, [](const Slot& slot) { return slot.state != SlotState::down; }));
      observer_.failed("memcached.servers names " + std::to_string(servers_.count()) +
                       " here and " + std::to_string(state.slots_agreed) +
                       " elsewhere: this process neither fills nor monitors slots, and its writes"
                       " are refused. Run `codasync cache off`, and `codasync cache on` when all"
                       " settings are equal");
      observer_.finished();
      return;
    }
    observer_.saw(state);
    all_in_use_ = true;
    for (const Slot& slot : state.slots) check_slot(state, slot);
    observer_.finished();
  } catch (const std::exception& failure) {
    all_in_use_ = false;
    observer_.failed(failure.what());
  }
}

void SlotKeeper::check_slot(const CacheState& state, const Slot& slot) {
  Known& known = known_.at(slot.number);
  if (known.seen && slot.state == SlotState::up &&
      (known.seen->state != SlotState::up || known.seen->since != slot.since))
    known.no_response.marked_up(clock_());
  known.seen = slot;
  if (slot.asked && servers_.still_runs(slot.number, slot.identity))
    table_.object(slot.number, slot.identity);

  bool reported = false;
  {
    const MutexLock hold{mutex_};
    reported = reports_.erase(slot.number) > 0;
  }
  const bool wait_over = waited(state, slot);
  const bool in_use = slot.state == SlotState::up && (slot.emptied_now || !state.fills);
  const bool suspected = reported || known.no_response.running();
  const bool quiet = in_use && !suspected && !wait_over;
  if (quiet && known.identified == slot.identity &&
      (slot.identity.empty() || servers_.still_runs(slot.number, slot.identity)))
    return;
  if (slot.state == SlotState::down && !state.fills) return;
  // Only a lost deletion is a reason to refuse the writes of all processes.
  if (quiet && servers_.probe(slot.number) == Unreachable::no_response) return;
  all_in_use_ = all_in_use_ && in_use && !suspected;

  // Before the exclusive lock, so that no writer waits for this probe.
  ServerView server = view_of(slot);
  const auto now = clock_();
  known.no_response.record(server.failure, now);
  server.no_response_long = known.no_response.expired(now);
  server.waited = wait_over;
  SlotStep step = step_for(slot, state.fills, server);
  if (step == SlotStep::none) return;
  const auto change = table_.change(slot.number, [&](const CacheState& held, const Slot& mine) {
    return decide(held, mine, server, step);
  });
  if (!change) return;
  // Later changes in the table are those of other processes.
  known.seen.reset();
  if (change->state != SlotState::up) known.seen = Slot{slot.number, change->state};
  if (change->emptied) {
    known.identified = change->identity;
    observer_.emptied(slot.number, change->identity);
  }
  observer_.changed(slot.number, step, wait_after_last_fill(state.entry_lifetime));
}

/// Probes the server of a slot, and compares its process with the one that was emptied.
ServerView SlotKeeper::view_of(const Slot& slot) {
  ServerView view{.failure = servers_.probe(slot.number)};
  if (view.failure || slot.state == SlotState::down || !slot.emptied_now || slot.identity.empty())
    return view;
  known_.at(slot.number).identified = slot.identity;
  switch (servers_.identify(slot.number, slot.identity)) {
    case ServerControl::Identified::expected:
      break;
    case ServerControl::Identified::restarted:
      view.restarted = true;
      break;
    case ServerControl::Identified::unknown:
      view.restarted = no_process_objects(slot);
      if (!view.restarted) view.failure = Unreachable::no_response;
      break;
    case ServerControl::Identified::another:
      view.failure = Unreachable::no_response;
      observer_.another_process(slot.number);
      break;
  }
  return view;
}

/// Asks the other processes whether the process that was emptied still runs. Returns: whether none
/// has objected for long enough.
bool SlotKeeper::no_process_objects(const Slot& slot) {
  auto& asked = known_.at(slot.number).asked;
  if (!slot.asked) {
    asked.reset();
    table_.ask(slot.number, slot.identity);
    return false;
  }
  if (!asked) asked = clock_();
  return clock_() - *asked >= kObjection;
}

/// Under the exclusive lock: no fill and no write is running.
std::optional<SlotChange> SlotKeeper::decide(const CacheState& state, const Slot& slot,
                                             ServerView server, SlotStep& step) {
  server.waited = waited(state, slot);
  // Another process marked it up since then.
  if (slot.since != known_.at(slot.number).seen->since) server.no_response_long = false;
  // Another process emptied it since then.
  if (slot.identity != known_.at(slot.number).seen->identity)
    server.restarted = server.no_response_long = false;
  // A refused connection counts only under this lock: since the first probe the process may have
  // been started again and filled.
  if (server.failure == Unreachable::refused) server.failure = servers_.probe(slot.number);
  step = step_for(slot, state.fills, server);
  if (step != SlotStep::none) failpoint::reach("slot-locked");
  switch (step) {
    case SlotStep::none:
      return std::nullopt;
    case SlotStep::mark_waiting:
      return SlotChange{SlotState::waiting};
    case SlotStep::mark_down:
      return SlotChange{SlotState::down};
    case SlotStep::mark_up:
      return SlotChange{SlotState::up};
    case SlotStep::flush:
      const auto identity = make_slot_identity(slot.number, servers_.count());
      if (servers_.flush(slot.number, identity)) return std::nullopt;
      failpoint::reach("slot-emptied");
      return SlotChange{SlotState::up, true, identity};
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
  return now - wait->seen >= wait_after_last_fill(state.entry_lifetime);
}

}  // namespace codasync::cache
