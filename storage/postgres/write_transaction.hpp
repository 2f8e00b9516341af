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

/// The readings whose rows a transaction locks FOR UPDATE: array literals with an element for each.
struct StockKeys {
  std::string shops{"{}"};
  std::string gtins{"{}"};
};

/// What a transaction needs besides its locks.
struct WriteNeeds {
  std::vector<TokenId> tokens{};  // valid() is going to be asked about these
  std::vector<Uuid> names{};      // of operations, and of idempotency keys
  StockKeys readings{};
};

/// A transaction that changes what the cache may show. Construction is one message, the SQL
/// function begin_write(): BEGIN, the time limits, the locks one by one in order, and as later
/// statements, so with snapshots taken under the locks, the database's clock, the slots, the
/// tokens, what is known of the names, and the rows of the readings. The destructor rolls back what
/// was not committed. Throws: see Connection; Unavailable "clock" when this process's clock is more
/// than kClockDifferenceMax off the database's, because one of the two is wrong and events last.
/// Threads: one at a time.
class WriteTransaction {
 public:
  /// Takes slots_lock() shared besides `locks`, which may be in any order.
  WriteTransaction(Connection& connection, std::vector<Lock> locks, const WriteNeeds& needs = {});

  /// Returns: what the first message returned (the SQL function says which rows).
  [[nodiscard]] const pqxx::result& read() const noexcept { return transaction_.first(); }

  /// Returns: the database's clock, as it was under the locks. The only clock of the ledger.
  [[nodiscard]] Instant now() const noexcept { return now_; }

  /// Returns: how far this process's clock is behind the database's; negative: ahead.
  [[nodiscard]] std::chrono::microseconds clock_offset() const noexcept { return clock_offset_; }

  /// Returns: the floor of the ledger: what was observed earlier is refused.
  [[nodiscard]] Instant ledger_floor() const noexcept { return ledger_floor_; }

  /// Returns: the state of the slots of a process that has `count`; it cannot change before the
  /// transaction ends. Throws: Unavailable when the others have another number of them.
  [[nodiscard]] SlotStates slots(std::size_t count) const;

  /// Returns: whether the token was neither revoked nor expired. kOperator's always is.
  [[nodiscard]] bool valid(TokenId token) const;

  /// Takes more locks, also in order. Requires: their names come after all that are held.
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
  std::optional<std::size_t> agreed_slots_;  // nothing: no process has said yet
  std::vector<TokenId> valid_tokens_;
};

}  // namespace codasync::storage::postgres
