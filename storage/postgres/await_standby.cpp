#include "storage/postgres/await_standby.hpp"

#include "storage/postgres/transaction.hpp"

namespace codasync::storage::postgres {

void await_standby(Connection& connection) {
  // A transaction of its own in the log, and nothing else: its COMMIT waits for all before it.
  Transaction transaction{connection, Transaction::Access::read_write,
                          "select pg_logical_emit_message(true, 'codasync', '')"};
  transaction.commit();
}

}  // namespace codasync::storage::postgres
