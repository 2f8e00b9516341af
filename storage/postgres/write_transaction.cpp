#include "storage/postgres/write_transaction.hpp"

#include <algorithm>
#include <utility>

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/lock_statements.hpp"
#include "storage/postgres/slots.hpp"

namespace codasync::storage::postgres {
namespace {

std::vector<Lock> with_slots(std::vector<Lock> locks) {
  locks.push_back({slots_lock(), LockMode::shared});
  return in_order(std::move(locks));
}

/// Rows of slots and, without a state, of valid tokens.
std::string context_query(std::chrono::seconds entry_ttl, const std::vector<TokenId>& tokens) {
  const std::string ids = array_of(tokens, [](TokenId id) { return std::to_string(id.value()); });
  return slots_query(entry_ttl) + " union all select id, null from tokens where id = any('" + ids +
         "'::bigint[]) and revoked_at is null"
         " and (expires_at is null or expires_at > clock_timestamp())";
}

}  // namespace

WriteTransaction::WriteTransaction(Connection& connection, std::vector<Lock> locks,
                                   const std::vector<TokenId>& tokens)
    : transaction_{connection, Transaction::Access::read_write,
                   wait_for_locks(with_slots(std::move(locks))) + ";" +
                       context_query(connection.cache_entry_ttl(), tokens)} {
  for (const pqxx::row& row : transaction_.first()) {
    if (row[1].is_null()) {
      valid_tokens_.emplace_back(row[0].as<std::int64_t>());
    } else {
      put_slot(slots_, row[0], row[1]);
    }
  }
}

SlotStates WriteTransaction::slots(std::size_t count) const {
  SlotStates states = slots_;
  states.resize(count, SlotState::up);
  return states;
}

bool WriteTransaction::valid(TokenId token) const {
  return token == kOperator ||
         std::find(valid_tokens_.begin(), valid_tokens_.end(), token) != valid_tokens_.end();
}

void WriteTransaction::lock(std::vector<Lock> locks) {
  if (!locks.empty()) transaction_.connection().exec(wait_for_locks(in_order(std::move(locks))));
}

}  // namespace codasync::storage::postgres
