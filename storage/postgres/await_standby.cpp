#include "storage/postgres/await_standby.hpp"

#include "storage/postgres/transaction.hpp"

namespace codasync::storage::postgres {

void await_standby(Connection& connection) {
  // A minimal transaction in the write-ahead log: its COMMIT waits for all earlier ones.
  Transaction transaction{connection, Transaction::Access::read_write,
                          "select pg_logical_emit_message(true, 'codasync', '')"};
  transaction.commit();
}

}  // namespace codasync::storage::postgres
