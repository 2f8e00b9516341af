#include "storage/postgres/transaction.hpp"

#include "storage/failpoint.hpp"

namespace codasync::storage::postgres {
namespace {

std::string begin(Transaction::Access access) {
  return access == Transaction::Access::read_only
             ? "begin isolation level read committed read only;"
             : "begin isolation level read committed read write;";
}

}  // namespace

Transaction::Transaction(Connection& connection, Access access, const std::string& first)
    : Transaction{connection, begin(access) + connection.limits() + first} {}

// Delegates, so that the destructor also ends a transaction after its first message failed.
Transaction::Transaction(Connection& connection, const std::string& opening)
    : Transaction{connection} {
  first_ = connection_.exec(opening);
}

Transaction::~Transaction() {
  if (!open_ || !connection_.usable()) return;
  try {
    connection_.exec("rollback");
  } catch (const std::exception&) {
    // The connection is marked as lost; the server rolls back without it.
  }
}

void Transaction::commit() {
  open_ = false;
  failpoint::reach_soon("commit-sent");
  try {
    connection_.commit();
  } catch (const std::exception& error) {
    if (connection_.usable()) throw;
    throw InDoubt{error.what()};
  }
  failpoint::reach("after-commit");
}

}  // namespace codasync::storage::postgres
