#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <thread>

#include "api/cli/commands.hpp"
#include "api/cli/progress.hpp"
#include "cache/entry_expiry.hpp"
#include "cache/slot_keeper.hpp"
#include "storage/make_storage.hpp"
#include "storage/model/time.hpp"

namespace codasync::api::cli {
namespace {

using namespace std::chrono_literals;
using storage::CacheState;
using storage::SlotState;

constexpr auto kPause = 200ms;
constexpr auto kEmptyTimeout = 10s;  // for emptying the slots, which takes milliseconds

bool all_are(const CacheState& state, SlotState wanted) {
  return std::all_of(state.slots.begin(), state.slots.end(), [&](const storage::Slot& slot) {
    return slot.state == wanted && (slot.emptied_now || wanted != SlotState::up);
  });
}

std::chrono::seconds wait_of(const CacheState& state) {
  return std::chrono::ceil<std::chrono::seconds>(cache::wait_after_last_fill(state.entry_lifetime));
}

bool never_used(const storage::Slot& slot) { return slot.since == Instant{}; }

/// Returns: what cache_status() prints, as an object. It has the slots only if the database and
/// these settings have the same number of them.
std::string json_of(const CacheState& state, const cache::MemcachedOptions& options,
                    cache::ServerControl& nodes) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> json{buffer};
  const auto text = [&](const char* key, std::string_view value) {
    json.Key(key);
    json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  json.StartObject();
  json.Key("fills");
  json.Bool(state.fills);
  text("since", to_string(state.since));
  json.Key("entry_lifetime_seconds");
  json.Int64(state.entry_lifetime.count());
  json.Key("write_pause_seconds");
  json.Int64(wait_of(state).count());
  json.Key("slots_in_database");
  json.Uint64(state.slots_agreed);
  json.Key("slots_in_settings");
  json.Uint64(nodes.count());
  json.Key("slots");
  json.StartArray();
  for (const auto& slot : state.slots) {
    if (state.slots_agreed != nodes.count()) break;
    json.StartObject();
    json.Key("slot");
    json.Uint64(slot.number);
    text("server", options.servers[slot.number]);
    text("state", name_of(slot.state));
    json.Key("since");
    if (never_used(slot)) {
      json.Null();
    } else {
      const auto since = to_string(slot.since);
      json.String(since.data(), static_cast<rapidjson::SizeType>(since.size()));
    }
    json.Key("responds");
    json.Bool(!nodes.probe(slot.number));
    json.Key("emptied");
    json.Bool(slot.emptied_now);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return buffer.GetString();
}

/// Checks and changes the slots, as the slot keeper of each running service
/// does at the same time.
class Keeper {
 public:
  explicit Keeper(const config::Settings& settings)
      : table_{storage::make_slot_table(settings.postgres)},
        nodes_{cache::make_server_control(settings.memcached)},
        keeper_{*table_, *nodes_, observer_} {}

  storage::SlotTable& table() { return *table_; }

  /// Checks all slots. Returns: their states.
  CacheState round() {
    for (std::size_t slot = 0; slot < nodes_->count(); ++slot) keeper_.report(slot);
    keeper_.round();
    return table_->look();
  }

 private:
  cache::SlotObserver observer_;  // ignores all events
  std::unique_ptr<storage::SlotTable> table_;
  std::unique_ptr<cache::ServerControl> nodes_;
  cache::SlotKeeper keeper_;
};

}  // namespace

int cache_status(const config::Settings& settings, bool json) {
  const auto table = storage::make_slot_table(settings.postgres);
  const auto nodes = cache::make_server_control(settings.memcached);
  const CacheState state = table->look();
  const bool agreed = state.slots_agreed == nodes->count();
  if (json) {
    std::cout << json_of(state, settings.memcached, *nodes) << "\n" << std::flush;
    return kDone;
  }
  std::cout << "fills     " << (state.fills ? "on" : "off") << " since " << to_string(state.since)
            << "\nttl       at most " << state.entry_lifetime.count()
            << " s; when a server is unavailable, writes of its keys get 503 for up to "
            << wait_of(state).count() << " s\nslots     " << state.slots_agreed
            << " in the database, " << nodes->count() << " in these settings\n";
  if (!agreed) return kDone;
  for (const auto& slot : state.slots) {
    const bool responds = !nodes->probe(slot.number);
    std::cout << std::left << std::setw(10) << slot.number << std::setw(9) << name_of(slot.state)
              << (never_used(slot) ? "never used" : "since " + to_string(slot.since)) << ", "
              << (responds ? "responds" : "no response")
              << (slot.emptied_now ? "" : ", will be emptied before use") << ", "
              << settings.memcached.servers[slot.number] << "\n";
  }
  return kDone;
}

int cache_off(const config::Settings& settings, bool wait) {
  Keeper keeper{settings};
  keeper.table().stop_fills();
  CacheState state = keeper.table().look();
  std::cerr << "No process adds cache entries any more. Existing entries are used, and deleted by "
               "writes, until they expire: in about "
            << wait_of(state).count() << " s all slots are down (see `codasync cache status`).\n";
  Progress progress;
  const auto start = std::chrono::steady_clock::now();
  const auto deadline = start + 3 * wait_of(state);  // a slot that fails meanwhile waits again
  while (wait && !all_are(state, SlotState::down)) {
    if (std::chrono::steady_clock::now() > deadline) {
      progress.clear();
      std::cerr << "The slots are still not down. Check that memcached.servers is the same here as "
                   "in the running services.\n";
      return kFailed;
    }
    std::this_thread::sleep_for(kPause);
    state = keeper.round();
    if (state.fills) {
      progress.clear();
      std::cerr << "The cache was turned on again by another process.\n";
      return kFailed;
    }
    const auto past =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start);
    progress.show([&] {
      return std::to_string(past.count()) + " of " + std::to_string(wait_of(state).count()) + " s";
    });
  }
  progress.clear();
  if (wait) std::cerr << "All slots are down. You can now change memcached.servers.\n";
  return kDone;
}

int cache_on(const config::Settings& settings) {
  Keeper keeper{settings};
  if (!keeper.table().start_fills()) {
    const CacheState state = keeper.table().look();
    std::cerr
        << "These settings have " << settings.memcached.servers.size()
        << " slots, but the cache was used with " << state.slots_agreed
        << ", and entries in those may still be read. Run `codasync cache off --wait` with the "
           "old settings first.\n";
    return kFailed;
  }
  CacheState state = keeper.round();
  const auto deadline = std::chrono::steady_clock::now() + kEmptyTimeout;
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
              << ", is not in use yet. Start the server; running services then use it "
                 "automatically.\n";
  }
  return kFailed;
}

}  // namespace codasync::api::cli
