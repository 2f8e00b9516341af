#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <thread>

#include "api/cli/commands.hpp"
#include "api/cli/progress.hpp"
#include "cache/entry_end.hpp"
#include "cache/slot_keeper.hpp"
#include "storage/make_storage.hpp"
#include "storage/model/time.hpp"

namespace codasync::api::cli {
namespace {

using namespace std::chrono_literals;
using storage::CacheState;
using storage::SlotState;

constexpr auto kPause = 200ms;
constexpr auto kPatience = 10s;  // for slots that are emptied, which takes milliseconds

bool all_are(const CacheState& state, SlotState wanted) {
  return std::all_of(state.slots.begin(), state.slots.end(), [&](const storage::Slot& slot) {
    return slot.state == wanted && (slot.emptied_now || wanted != SlotState::up);
  });
}

std::chrono::seconds wait_of(const CacheState& state) {
  return std::chrono::ceil<std::chrono::seconds>(cache::wait_after_last_fill(state.entry_life));
}

/// Does what the keeper of a running service does, which may be doing it too.
class Keeper {
 public:
  explicit Keeper(const config::Settings& settings)
      : table_{storage::make_slot_table(settings.postgres)},
        nodes_{cache::make_nodes(settings.memcached)},
        keeper_{*table_, *nodes_, nobody_} {}

  storage::SlotTable& table() { return *table_; }

  /// Returns: the slots after a round.
  CacheState round() {
    for (std::size_t slot = 0; slot < nodes_->count(); ++slot) keeper_.report(slot);
    keeper_.round();
    return table_->look();
  }

 private:
  cache::SlotObserver nobody_;
  std::unique_ptr<storage::SlotTable> table_;
  std::unique_ptr<cache::Nodes> nodes_;
  cache::SlotKeeper keeper_;
};

}  // namespace

int cache_status(const config::Settings& settings) {
  const auto table = storage::make_slot_table(settings.postgres);
  const auto nodes = cache::make_nodes(settings.memcached);
  const CacheState state = table->look();
  std::cout << "fills     " << (state.fills ? "on" : "off") << " since " << to_string(state.since)
            << "\nlife      " << state.entry_life.count() << " s at most; writers wait up to "
            << wait_of(state).count() << " s for a slot that is silent\nslots     "
            << state.slots_agreed << ", in these settings " << nodes->count() << "\n";
  if (state.slots_agreed != nodes->count()) return kDone;
  for (const auto& slot : state.slots) {
    const bool answers = nodes->ask(slot.number) == cache::NodeReply::done;
    const bool never = slot.since == Instant{};
    std::cout << std::left << std::setw(10) << slot.number << std::setw(9) << name_of(slot.state)
              << (never ? "never used" : "since " + to_string(slot.since)) << ", "
              << (answers ? "answers" : "does not answer")
              << (slot.emptied_now ? "" : ", to be emptied before it is filled") << ", "
              << settings.memcached.servers[slot.number] << "\n";
  }
  return kDone;
}

int cache_off(const config::Settings& settings, bool wait) {
  Keeper keeper{settings};
  keeper.table().stop_fills();
  CacheState state = keeper.table().look();
  std::cerr << "No process fills the cache any more. What is there is used, and writers delete it, "
               "until nothing can be alive in it: in about "
            << wait_of(state).count() << " s all slots are down (`codasync cache status`).\n";
  Progress progress;
  const auto begun = std::chrono::steady_clock::now();
  const auto enough = begun + 3 * wait_of(state);  // a slot that was lost meanwhile waits anew
  while (wait && !all_are(state, SlotState::down)) {
    if (std::chrono::steady_clock::now() > enough) {
      progress.clear();
      std::cerr << "The slots do not go down: do these settings name the same servers as the "
                   "running services'?\n";
      return kFailed;
    }
    std::this_thread::sleep_for(kPause);
    state = keeper.round();
    if (state.fills) {
      progress.clear();
      std::cerr << "Somebody turned the cache on again.\n";
      return kFailed;
    }
    const auto past =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun);
    progress.show([&] {
      return std::to_string(past.count()) + " of " + std::to_string(wait_of(state).count()) + " s";
    });
  }
  progress.clear();
  if (wait) std::cerr << "All slots are down: memcached.servers may be changed.\n";
  return kDone;
}

int cache_on(const config::Settings& settings) {
  Keeper keeper{settings};
  if (!keeper.table().start_fills()) {
    const CacheState state = keeper.table().look();
    std::cerr << "These settings have " << settings.memcached.servers.size()
              << " slots, the cache was used with " << state.slots_agreed
              << ", and something in those may still be read. Run `codasync cache off --wait` with "
                 "the old settings first.\n";
    return kFailed;
  }
  CacheState state = keeper.round();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!all_are(state, SlotState::up) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kPause);
    state = keeper.round();
  }
  if (all_are(state, SlotState::up)) {
    std::cerr << "The cache is on: " << state.slots.size()
              << " slots were emptied and are in use.\n";
    return kDone;
  }
  for (const auto& slot : state.slots) {
    if (slot.state == SlotState::up && slot.emptied_now) continue;
    std::cerr << "Slot " << slot.number << ", " << settings.memcached.servers[slot.number]
              << ", is not in use yet: start it, and a running service uses it by itself.\n";
  }
  return kFailed;
}

}  // namespace codasync::api::cli
