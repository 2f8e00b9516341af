#include "storage/postgres/write_transaction.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "storage/clock.hpp"
#include "storage/failpoint.hpp"
#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/lock_statements.hpp"
#include "storage/postgres/slots.hpp"

namespace codasync::storage::postgres {
namespace {

/// Adds the locks that every write takes.
std::vector<Lock> complete(std::vector<Lock> locks, const std::vector<TokenId>& tokens) {
  locks.push_back(shared(slots_lock()));
  for (const auto token : tokens) locks.push_back(shared(token_lock(token)));
  return in_order(std::move(locks));
}

std::string literal(const std::string& array) { return "'" + array + "'"; }

std::string begin_write(const Connection& connection, const std::vector<Lock>& locks,
                        const WriteNeeds& needs) {
  const auto tokens = array_of(needs.tokens, [](TokenId id) { return std::to_string(id.value()); });
  const auto names = array_of(needs.names, [](const Uuid& name) { return to_string(name); });
  return "select * from begin_write(" + connection.limit_arguments() + "," +
         literal(numbers_of(locks)) + "," + literal(modes_of(locks)) + "," + literal(tokens) + "," +
         literal(names) + "," + literal(needs.readings.shops) + "," +
         literal(needs.readings.gtins) + ")";
}

}  // namespace

WriteTransaction::WriteTransaction(Connection& connection, std::vector<Lock> locks,
                                   const WriteNeeds& needs)
    : WriteTransaction{
          connection, codasync::now(),
          "begin isolation level read committed read write;" +
              begin_write(connection, complete(std::move(locks), needs.tokens), needs)} {}

WriteTransaction::WriteTransaction(Connection& connection, Instant sent, const std::string& opening)
    : transaction_{connection, opening} {
  const auto received = codasync::now();
  const pqxx::row row = read().at(0);
  now_ = instant_of(row["clock"]);
  clock_offset_ = storage::clock_offset(now_, sent, received);
  if (std::chrono::abs(clock_offset_) > kClockDifferenceMax) throw clock_is_off(clock_offset_);
  ledger_floor_ = instant_of(row["ledger_floor"]);
  if (!row["slots"].is_null()) agreed_slots_ = row["slots"].as<std::size_t>();
  slots_ = slot_states_of(row["slot_states"]);
  for (const auto token : numbers_of_list(row["valid_tokens"])) valid_tokens_.emplace_back(token);
  failpoint::reach("after-locks");
}

pqxx::result WriteTransaction::lock(std::vector<Lock> locks, const StockKeys& readings) {
  auto& connection = transaction_.connection();
  return connection.exec(
      begin_write(connection, in_order(std::move(locks)), {.readings = readings}));
}

SlotStates WriteTransaction::slots(std::size_t count) const {
  SlotStates states = slots_;
  const std::size_t agreed = agreed_slots_.value_or(count);
  states.resize(agreed, SlotState::up);
  if (agreed == count) return states;
  // With another number of slots the same keys belong to other slots. While the cache is off and no
  // entry can be read any more, nothing must be deleted.
  const bool nothing_readable = std::all_of(
      states.begin(), states.end(), [](SlotState state) { return state == SlotState::down; });
  if (nothing_readable) return {count, SlotState::down};
  throw Unavailable{"memcached",
                    "memcached.servers names " + std::to_string(count) + " here and " +
                        std::to_string(agreed) +
                        " elsewhere: run `codasync cache off`, and `on` when all are equal"};
}

bool WriteTransaction::valid(TokenId token) const {
  return token == kOperator ||
         std::find(valid_tokens_.begin(), valid_tokens_.end(), token) != valid_tokens_.end();
}

void WriteTransaction::lock(std::vector<Lock> locks) {
  if (!locks.empty()) transaction_.connection().exec(wait_for_locks(in_order(std::move(locks))));
}

}  // namespace codasync::storage::postgres
