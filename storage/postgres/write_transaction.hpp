#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/locks.hpp"
#include "storage/model/uuid.hpp"
#include "storage/postgres/transaction.hpp"
#include "storage/token.hpp"

namespace codasync::storage::postgres {

/// The readings that a transaction locks FOR UPDATE: array literals with an element for each.
struct StockKeys {
  std::string shops{"{}"};
  std::string gtins{"{}"};
};

/// What a transaction reads besides taking its locks.
struct WriteNeeds {
  std::vector<TokenId> tokens{};  // valid() will be called for these
  std::vector<Uuid> names{};      // of operations, and of idempotency keys
  StockKeys readings{};
};

/// A transaction that changes data of the cache. The constructor sends one message with the SQL
/// function begin_write() of migrations/0001_schema.sql: BEGIN, the time limits and the locks, one
/// by one in order. Later statements of the function, with snapshots taken under the locks, read
/// the database's clock, the slots, the tokens, the names, and the rows of the readings. The
/// destructor rolls an uncommitted transaction back. Throws: see Connection; Unavailable "clock"
/// when this process's clock differs from the database's by more than kClockDifferenceMax: one of
/// the two is wrong, and events are permanent. Threads: one at a time.
class WriteTransaction {
 public:
  /// Takes slots_lock() and the tokens' locks shared besides `locks`, which can be in any order.
  WriteTransaction(Connection& connection, std::vector<Lock> locks, const WriteNeeds& needs = {});

  /// Returns: the rows of begin_write().
  [[nodiscard]] const pqxx::result& read() const noexcept { return transaction_.first(); }

  /// Returns: the database's clock, read under the locks. The ledger uses no other clock.
  [[nodiscard]] Instant now() const noexcept { return now_; }

  /// Returns: how far this process's clock is behind the database's; negative: ahead.
  [[nodiscard]] std::chrono::microseconds clock_offset() const noexcept { return clock_offset_; }

  /// Returns: the floor of the ledger: events observed earlier are refused.
  [[nodiscard]] Instant ledger_floor() const noexcept { return ledger_floor_; }

  /// Returns: the states of the slots for a process with `count` slots; they cannot change before
  /// the transaction ends. Throws: Unavailable when other processes have another number of slots.
  [[nodiscard]] SlotStates slots(std::size_t count) const;

  /// Returns: whether the token is neither revoked nor expired; always true for kOperator. It is
  /// not revoked before the transaction ends.
  [[nodiscard]] bool valid(TokenId token) const;

  /// Takes more locks, also in order. Requires: their names are larger than those of all held
  /// locks.
  void lock(std::vector<Lock> locks);

  /// The same, and then locks the rows of more readings. Returns: like read().
  pqxx::result lock(std::vector<Lock> locks, const StockKeys& readings);

  template <class... Parameters>
  pqxx::result exec_params(const std::string& sql, const Parameters&... parameters) {
    return transaction_.connection().exec_params(sql, parameters...);
  }

  [[nodiscard]] Connection& connection() noexcept { return transaction_.connection(); }

  /// See Transaction.
  void commit() { transaction_.commit(); }

 private:
  WriteTransaction(Connection& connection, Instant sent, const std::string& opening);

  Transaction transaction_;
  Instant now_{};
  std::chrono::microseconds clock_offset_{0};
  Instant ledger_floor_{};
  SlotStates slots_;                         // those with a row
  std::optional<std::size_t> agreed_slots_;  // nullopt: not stored yet
  std::vector<TokenId> valid_tokens_;
};

}  // namespace codasync::storage::postgres
