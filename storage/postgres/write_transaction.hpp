#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/locks.hpp"
#include "storage/postgres/row_array.hpp"
#include "storage/postgres/transaction.hpp"
#include "storage/token.hpp"

namespace codasync::storage::postgres {

/// The readings whose rows a transaction locks FOR UPDATE: array literals with an element for each.
struct StockKeys {
  std::string shops{"{}"};
  std::string gtins{"{}"};
};

/// The types of the arrays that write_rows() takes, in their order in lock_for_write().
enum class RowType : std::size_t { reading, kept_answer, event };

/// A transaction that changes what the cache may show. Construction is one message: BEGIN, the time
/// limits, the locks one by one in order, and as later statements, so with snapshots taken under
/// the locks, the state of the slots and of the tokens, and the rows of the readings. The
/// destructor rolls back what was not committed. Throws: see Connection. Threads: one at a time.
class WriteTransaction {
 public:
  /// Takes slots_lock() shared besides `locks`, which may be in any order. `tokens`: those that
  /// valid() will be asked for.
  WriteTransaction(Connection& connection, std::vector<Lock> locks,
                   const std::vector<TokenId>& tokens, const StockKeys& readings = {});

  /// Returns: what the first message told: the rows of `readings` that exist, locked, about
  /// 'reading'; and rows about other things.
  [[nodiscard]] const pqxx::result& told() const noexcept { return transaction_.first(); }

  /// Returns: the number of the type in this database.
  [[nodiscard]] TypeNumber number_of(RowType type) const {
    return types_[static_cast<std::size_t>(type)];
  }

  /// Returns: the state of the slots of a process that has `count`; it cannot change before the
  /// transaction ends. Throws: Unavailable when the others have another number of them.
  [[nodiscard]] SlotStates slots(std::size_t count) const;

  /// Returns: whether the token was neither revoked nor expired. kOperator's always is.
  [[nodiscard]] bool valid(TokenId token) const;

  /// Takes more locks, also in order. Requires: their names come after all that are held.
  void lock(std::vector<Lock> locks);

  /// The same, and then locks the rows of more readings. Returns: like told().
  pqxx::result lock(std::vector<Lock> locks, const StockKeys& readings);

  template <class... Parameters>
  pqxx::result exec_params(const std::string& sql, const Parameters&... parameters) {
    return transaction_.connection().exec_params(sql, parameters...);
  }

  [[nodiscard]] Connection& connection() noexcept { return transaction_.connection(); }

  /// See Transaction.
  void commit() { transaction_.commit(); }

 private:
  Transaction transaction_;
  SlotStates slots_;                         // those with a row
  std::optional<std::size_t> agreed_slots_;  // nothing: nobody has said yet
  std::vector<TokenId> valid_tokens_;
  std::array<TypeNumber, 3> types_{};
};

}  // namespace codasync::storage::postgres
