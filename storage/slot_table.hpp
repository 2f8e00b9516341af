#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/model/time.hpp"

namespace codasync::storage {

/// Returns: the name of the state in the database, in metrics and in output.
constexpr const char* name_of(SlotState state) {
  switch (state) {
    case SlotState::up:
      return "up";
    case SlotState::waiting:
      return "waiting";
    case SlotState::down:
      return "down";
  }
  __builtin_unreachable();
}

/// A Memcached slot as the database has it.
struct Slot {
  std::size_t number;
  SlotState state{SlotState::up};
  Instant since{};          // by the database's clock; the epoch: the slot was never used
  bool emptied_now{false};  // it was emptied for the current history of the database
  std::string identity{};   // what the process has that was emptied; empty: nothing
  bool asked{false};        // the question of SlotTable::ask() is open
};

/// The cache as all processes see it.
struct CacheState {
  bool fills;                           // false: `codasync cache off`
  Instant since;                        // of `fills`
  std::size_t slots_agreed;             // the number of slots of all processes
  std::chrono::seconds entry_lifetime;  // longest of all processes: from the read to the end
  std::vector<Slot> slots;              // those of slots_agreed, by number
  /// Identifies the database and its timeline. It changes with a failover or a restore: rows that
  /// were read before may be lost, and their ids given to other rows.
  std::string history;
};

/// A new state of a slot.
struct SlotChange {
  SlotState state;
  bool emptied{false};     // the slot was emptied while the lock was held
  std::string identity{};  // and got this identity
};

/// The states of the slots: cache_slots and cache_settings.
/// Every call throws: Unavailable. Threads: one at a time.
class SlotTable {
 public:
  virtual ~SlotTable() = default;

  /// Returns: the whole state. The first process of all stores its number of slots. A process with
  /// a longer entry lifetime than the stored one stores it, and may fill afterwards.
  virtual CacheState look() = 0;

  /// Changes a slot while no process fills or writes: `decide` is called with the current state
  /// under the exclusive slots_lock(), and must be quick. Returns: the change; nullopt when
  /// `decide` returned it, when another process is changing a slot, or when the lock was not free
  /// in time.
  using Decide = std::function<std::optional<SlotChange>(const CacheState&, const Slot&)>;
  virtual std::optional<SlotChange> change(std::size_t slot, const Decide& decide) = 0;

  /// Asks all processes whether one still has a connection to the server with this identity: sets
  /// Slot::asked, which each of them reads. Nothing happens when it is set, or with another
  /// identity.
  virtual void ask(std::size_t slot, const std::string& identity) = 0;
  /// Answers that this process has such a connection: ends the question.
  virtual void object(std::size_t slot, const std::string& identity) = 0;

  /// Disables fills. Returns after the running fills have ended.
  virtual void stop_fills() = 0;

  /// Enables fills again, with this process's number of slots; each slot must be emptied before it
  /// is filled. Returns: false, with nothing changed, when the number of slots would change while
  /// entries may still be read.
  virtual bool start_fills() = 0;
};

}  // namespace codasync::storage
