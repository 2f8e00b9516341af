#include "storage/postgres/slots.hpp"

namespace codasync::storage::postgres {

static_assert(static_cast<int>(SlotState::up) == 0 && static_cast<int>(SlotState::waiting) == 1 &&
              static_cast<int>(SlotState::down) == 2);

std::string slots_query(std::chrono::seconds entry_ttl) {
  return "select slot::bigint, case when state = 'up' then 0 when clock_timestamp() < since + "
         "interval '" +
         std::to_string(entry_ttl.count()) + " s' then 1 else 2 end from cache_slots";
}

void put_slot(SlotStates& states, const pqxx::field& slot, const pqxx::field& state) {
  const auto number = slot.as<std::size_t>();
  if (states.size() <= number) states.resize(number + 1, SlotState::up);
  states[number] = static_cast<SlotState>(state.as<int>());
}

}  // namespace codasync::storage::postgres
