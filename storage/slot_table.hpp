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

/// Returns: its name, in the database, in metrics and for people.
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
  Instant since{};          // by the database's clock; the epoch: nobody ever used it
  bool emptied_now{false};  // what it holds was read from this database with this past
};

/// The cache as all processes see it.
struct CacheState {
  bool fills;                // false: `codasync cache off`
  Instant since;             // of `fills`
  std::size_t slots_agreed;  // in everybody's configuration
  std::chrono::seconds
      entry_life;           // the longest that what was read can be in an entry, of anybody's
  std::vector<Slot> slots;  // those of slots_agreed, by number
  /// Which database this is, and its timeline. Another value after a failover or a restore: what
  /// was read before may be lost, and its ids given to other rows.
  std::string history;
};

/// What a change makes of a slot.
struct SlotChange {
  SlotState state;
  bool emptied{false};  // it was, while the lock was held
};

/// The states of the slots: cache_slots and cache_settings.
/// Every call throws: Unavailable. Threads: one at a time.
class SlotTable {
 public:
  virtual ~SlotTable() = default;

  /// Returns: everything. The first process of all says how many slots there are; one whose entries
  /// live longer than anybody's so far says so too, and may fill from then on.
  virtual CacheState look() = 0;

  /// Decides about a slot while nobody fills or writes: `decide` is called under slots_lock(),
  /// exclusively, with what holds then, and must be quick. Returns: what was changed; nothing when
  /// `decide` said so, and when somebody else is at it or the lock is not free in time.
  using Decide = std::function<std::optional<SlotChange>(const CacheState&, const Slot&)>;
  virtual std::optional<SlotChange> change(std::size_t slot, const Decide& decide) = 0;

  /// Ends all fills. Returns once none is under way.
  virtual void stop_fills() = 0;

  /// Allows fills again, with this process's number of slots: each has to be emptied first.
  /// Returns: false, and nothing was changed, when the number would be another one and what the
  /// slots hold may still be read.
  virtual bool start_fills() = 0;
};

}  // namespace codasync::storage
