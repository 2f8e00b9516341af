#pragma once

#include <pqxx/result>
#include <string>

#include "storage/invalidation.hpp"
#include "storage/options.hpp"

namespace codasync::storage::postgres {

/// SQL for the current timeline and database; a usable slot has them in cache_slots.timeline and
/// cache_slots.database. The timeline is cheap enough for each fill (3 µs); the other one reads a
/// file.
inline constexpr const char* kTimeline = "left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)";
inline constexpr const char* kDatabase =
    "(select system_identifier from pg_control_system()) || '.' ||"
    " (select oid from pg_database where datname = current_database())";

/// Returns: a query of the slots that a process with these options may fill: number, 1.
std::string storable_slots_query(const PostgresOptions& options);

/// Returns: the states of a list such as `0=up,2=down`, or of null. Missing slots are up.
SlotStates slot_states_of(const pqxx::field& list);

/// Returns: the state with this name. Throws: std::logic_error for an unknown name.
SlotState slot_state_of(std::string_view name);

}  // namespace codasync::storage::postgres
