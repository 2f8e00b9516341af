#include "storage/postgres/slots.hpp"

namespace codasync::storage::postgres {

static_assert(static_cast<int>(SlotState::up) == 0 && static_cast<int>(SlotState::waiting) == 1 &&
              static_cast<int>(SlotState::down) == 2);

std::string storable_slots_query(const PostgresOptions& options) {
  return std::string{
             "select slot::bigint, 1 from cache_slots, cache_settings where state = 'up' and "
             "timeline = "} +
         kTimeline + " and fills and slots = " + std::to_string(options.cache_slots) +
         " and entry_life >= " + std::to_string(options.cache_entry_life.count());
}

void put_slot(SlotStates& states, const pqxx::field& slot, const pqxx::field& state) {
  const auto number = slot.as<std::size_t>();
  if (states.size() <= number) states.resize(number + 1, SlotState::up);
  states[number] = static_cast<SlotState>(state.as<int>());
}

}  // namespace codasync::storage::postgres
