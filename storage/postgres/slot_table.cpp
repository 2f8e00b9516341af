#include "storage/postgres/slot_table.hpp"

#include <algorithm>

#include "storage/locks.hpp"
#include "storage/make_storage.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/lock_statements.hpp"
#include "storage/postgres/slots.hpp"

namespace codasync::storage {
namespace postgres {
namespace {

/// All writers wait behind a waiter for the exclusive lock, and their own timeout runs meanwhile.
PostgresOptions with_half_lock_timeout(PostgresOptions options) {
  options.lock_timeout /= 2;
  return options;
}

bool all_down(const CacheState& state) {
  return std::all_of(state.slots.begin(), state.slots.end(),
                     [](const Slot& slot) { return slot.state == SlotState::down; });
}

}  // namespace

PostgresSlotTable::PostgresSlotTable(const PostgresOptions& options)
    : options_{with_half_lock_timeout(options)} {}

CacheState PostgresSlotTable::look() {
  CacheState state = read();
  if (state.slots_agreed == options_.cache_slots &&
      state.entry_lifetime < options_.cache_entry_lifetime) {
    // Fills with this lifetime start after this statement, so a slot that became unavailable before
    // has no entry of them.
    connection().exec_params("update cache_settings set entry_life = greatest(entry_life, $1)",
                             options_.cache_entry_lifetime.count());
    state.entry_lifetime = options_.cache_entry_lifetime;
  }
  return state;
}

std::optional<SlotChange> PostgresSlotTable::change(std::size_t slot, const Decide& decide) {
  Transaction transaction{connection(), Transaction::Access::read_write,
                          try_locks({exclusive(keeper_lock())})};
  if (!transaction.first()[0][0].as<bool>()) return std::nullopt;
  try {
    lock_slots();
  } catch (const LockTimeout&) {
    return std::nullopt;
  }
  const CacheState state = read();
  if (state.slots_agreed != options_.cache_slots) return std::nullopt;  // another server list
  if (slot >= state.slots.size()) return std::nullopt;
  const auto change = decide(state, state.slots[slot]);
  if (!change) return std::nullopt;
  write(slot, *change);
  transaction.commit();
  return change;
}

void PostgresSlotTable::ask(std::size_t slot, const std::string& identity) {
  connection().exec_params(
      "update cache_slots set asked_at = clock_timestamp()"
      " where slot = $1 and identity = $2 and asked_at is null",
      slot, identity);
}

void PostgresSlotTable::object(std::size_t slot, const std::string& identity) {
  connection().exec_params(
      "update cache_slots set asked_at = null where slot = $1 and identity = $2", slot, identity);
}

void PostgresSlotTable::stop_fills() {
  Transaction transaction{connection(), Transaction::Access::read_write};
  lock_slots();
  connection().exec(
      "update cache_settings set fills = false, since = clock_timestamp() where fills");
  transaction.commit();
}

bool PostgresSlotTable::start_fills() {
  Transaction transaction{connection(), Transaction::Access::read_write};
  lock_slots();
  const CacheState state = read();
  const bool no_entry_readable = all_down(state);
  if (state.slots_agreed != options_.cache_slots && !no_entry_readable) return false;
  connection().exec_params(
      "update cache_settings set fills = true, since = clock_timestamp(), slots = $1::integer,"
      " entry_life = case when $2::boolean then $3::integer else greatest(entry_life, $3) end",
      options_.cache_slots, no_entry_readable, options_.cache_entry_lifetime.count());
  connection().exec("update cache_slots set timeline = ''");
  transaction.commit();
  return true;
}

Connection& PostgresSlotTable::connection() { return renewed(connection_, options_); }

CacheState PostgresSlotTable::read() {
  static const std::string kSettings = "select fills, " + micros("since") +
                                       ", slots, entry_life, " + kDatabase + " || '.' || " +
                                       kTimeline + " from cache_settings";
  static const std::string kSlots =
      "select slot, state, " + micros("since") + ", timeline = " + kTimeline +
      " and database = " + kDatabase +
      ", identity, asked_at is not null from cache_slots where slot < $1";
  pqxx::result settings = connection().exec(kSettings);
  if (settings.at(0)[2].is_null()) {
    connection().exec_params("update cache_settings set slots = coalesce(slots, $1::integer)",
                             options_.cache_slots);
    settings = connection().exec(kSettings);
  }
  const pqxx::row& row = settings[0];
  CacheState state{.fills = row[0].as<bool>(),
                   .since = instant_of(row[1]),
                   .slots_agreed = row[2].as<std::size_t>(),
                   .entry_lifetime = std::chrono::seconds{row[3].as<std::int64_t>()},
                   .slots = {},
                   .history = row[4].as<std::string>()};
  for (std::size_t number = 0; number < state.slots_agreed; ++number)
    state.slots.push_back(Slot{number});
  for (const pqxx::row& slot : connection().exec_params(kSlots, state.slots_agreed)) {
    const auto number = slot[0].as<std::size_t>();
    state.slots[number] = {.number = number,
                           .state = slot_state_of(slot[1].c_str()),
                           .since = instant_of(slot[2]),
                           .emptied_now = slot[3].as<bool>(),
                           .identity = slot[4].as<std::string>(),
                           .asked = slot[5].as<bool>()};
  }
  return state;
}

void PostgresSlotTable::lock_slots() {
  connection().exec(wait_for_locks({exclusive(slots_lock())}));
}

void PostgresSlotTable::write(std::size_t slot, const SlotChange& change) {
  static const std::string kStatement =
      std::string{
          "insert into cache_slots as s (slot, state, since, identity, timeline, database) select "
          "$1::integer, "
          "$2::text, clock_timestamp(), $4::text, case when $3::boolean then "} +
      kTimeline + " else '' end, case when $3 then " + kDatabase +
      " else '' end on conflict (slot) do update set state = excluded.state,"
      " since = case when s.state = excluded.state then s.since else excluded.since end,"
      " asked_at = case when $3 then null else s.asked_at end,"
      " identity = case when $3 then excluded.identity else s.identity end,"
      " timeline = case when $3 then excluded.timeline else s.timeline end,"
      " database = case when $3 then excluded.database else s.database end";
  connection().exec_params(kStatement, slot, name_of(change.state), change.emptied,
                           change.identity);
}

}  // namespace postgres

std::unique_ptr<SlotTable> make_slot_table(const PostgresOptions& options) {
  return std::make_unique<postgres::PostgresSlotTable>(options);
}

}  // namespace codasync::storage
