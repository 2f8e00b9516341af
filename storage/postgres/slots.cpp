#include "storage/postgres/slots.hpp"

#include <charconv>
#include <stdexcept>

#include "storage/slot_table.hpp"

namespace codasync::storage::postgres {

std::string storable_slots_query(const PostgresOptions& options) {
  return std::string{
             "select slot::bigint, 1 from cache_slots, cache_settings where state = 'up' and "
             "timeline = "} +
         kTimeline + " and fills and slots = " + std::to_string(options.cache_slots) +
         " and entry_life >= " + std::to_string(options.cache_entry_lifetime.count());
}

SlotState slot_state_of(std::string_view name) {
  for (const auto state : {SlotState::up, SlotState::waiting, SlotState::down}) {
    if (name == name_of(state)) return state;
  }
  throw std::logic_error{"unknown state of a cache slot: " + std::string{name}};
}

SlotStates slot_states_of(const pqxx::field& list) {
  SlotStates states;
  std::string_view rest{list.c_str(), list.size()};
  while (!rest.empty()) {
    const auto entry = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    std::size_t number = 0;
    const auto name = std::from_chars(entry.data(), entry.data() + entry.size(), number).ptr + 1;
    if (states.size() <= number) states.resize(number + 1, SlotState::up);
    states[number] = slot_state_of({name, entry.data() + entry.size()});
  }
  return states;
}

}  // namespace codasync::storage::postgres
