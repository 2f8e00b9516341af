#include "storage/postgres/write_transaction.hpp"

#include <algorithm>
#include <utility>

#include "storage/failpoint.hpp"
#include "storage/postgres/arrays.hpp"
#include "storage/postgres/lock_statements.hpp"
#include "storage/postgres/slots.hpp"

namespace codasync::storage::postgres {
namespace {

std::vector<Lock> with_slots(std::vector<Lock> locks) {
  locks.push_back({slots_lock(), LockMode::shared});
  return in_order(std::move(locks));
}

std::string literal(const std::string& array) { return "'" + array + "'"; }

std::string lock_for_write(const Connection& connection, const std::vector<Lock>& locks,
                           const std::vector<TokenId>& tokens, const StockKeys& readings) {
  const std::string ids = array_of(tokens, [](TokenId id) { return std::to_string(id.value()); });
  return "select * from lock_for_write(" + connection.limit_arguments() + "," +
         literal(numbers_of(locks)) + "," + literal(modes_of(locks)) + "," + literal(ids) + "," +
         literal(readings.shops) + "," + literal(readings.gtins) + ")";
}

}  // namespace

WriteTransaction::WriteTransaction(Connection& connection, std::vector<Lock> locks,
                                   const std::vector<TokenId>& tokens, const StockKeys& readings)
    : transaction_{connection,
                   "begin read write;" +
                       lock_for_write(connection, with_slots(std::move(locks)), tokens, readings)} {
  for (const pqxx::row& row : transaction_.first()) {
    const std::string_view about{row[0].c_str()};
    if (about == "slot") put_slot(slots_, row[1], row[2]);
    if (about == "slots") agreed_slots_ = row[1].as<std::size_t>();
    if (about == "token") valid_tokens_.emplace_back(row[1].as<std::int64_t>());
    if (about == "type") types_.at(row[2].as<std::size_t>()) = row[1].as<TypeNumber>();
  }
  failpoint::reach("after-locks");
}

pqxx::result WriteTransaction::lock(std::vector<Lock> locks, const StockKeys& readings) {
  auto& connection = transaction_.connection();
  return connection.exec(lock_for_write(connection, in_order(std::move(locks)), {}, readings));
}

SlotStates WriteTransaction::slots(std::size_t count) const {
  SlotStates states = slots_;
  const std::size_t agreed = agreed_slots_.value_or(count);
  states.resize(agreed, SlotState::up);
  if (agreed == count) return states;
  // Another number means other slots for the same keys. While the cache is off and everything in it
  // is dead, nobody has to be told of anything.
  const bool nothing_alive = std::all_of(states.begin(), states.end(),
                                         [](SlotState state) { return state == SlotState::down; });
  if (nothing_alive) return {count, SlotState::down};
  throw Unavailable{"memcached", "memcached.servers names " + std::to_string(count) + " here and " +
                                     std::to_string(agreed) +
                                     " elsewhere: `codasync cache off`, and `on` when all agree"};
}

bool WriteTransaction::valid(TokenId token) const {
  return token == kOperator ||
         std::find(valid_tokens_.begin(), valid_tokens_.end(), token) != valid_tokens_.end();
}

void WriteTransaction::lock(std::vector<Lock> locks) {
  if (!locks.empty()) transaction_.connection().exec(wait_for_locks(in_order(std::move(locks))));
}

}  // namespace codasync::storage::postgres
