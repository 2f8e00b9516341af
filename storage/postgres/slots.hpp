#pragma once

#include <chrono>
#include <pqxx/result>
#include <string>

#include "storage/invalidation.hpp"

namespace codasync::storage::postgres {

/// Returns: a query of the slots with a row: number, and state as the number of a SlotState. A slot
/// that is down is `waiting` until nothing that was stored in it can be alive.
std::string slots_query(std::chrono::seconds entry_ttl);

/// Enters a row of slots_query(); slots between are up.
void put_slot(SlotStates& states, const pqxx::field& slot, const pqxx::field& state);

}  // namespace codasync::storage::postgres
