#pragma once

#include <string>

#include "storage/postgres/connection.hpp"

namespace codasync::storage::postgres {

/// BEGIN in the constructor, ROLLBACK in the destructor unless committed. Always READ COMMITTED,
/// independent of the server's default: every statement sees everything that committed before it
/// started. The proof in cache/README.md requires this. Throws: see Connection. Threads: one at a
/// time.
class Transaction {
 public:
  enum class Access { read_only, read_write };

  /// Sends BEGIN, the time limits and `first` in one message. Requires: like Connection::exec.
  Transaction(Connection& connection, Access access, const std::string& first = {});

  /// Sends `opening`: BEGIN with the isolation level, and the time limits.
  Transaction(Connection& connection, const std::string& opening);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Returns: the result of the last statement of the first message.
  [[nodiscard]] const pqxx::result& first() const noexcept { return first_; }
  [[nodiscard]] Connection& connection() noexcept { return connection_; }

  /// Throws: InDoubt when the connection is lost during COMMIT or no reply arrives in time, for
  /// example because of a synchronous standby; any other exception means that nothing was changed.
  /// Requires: no statement has failed.
  void commit();

 private:
  explicit Transaction(Connection& connection) : connection_{connection} {}

  Connection& connection_;
  pqxx::result first_;
  bool open_{true};
};

}  // namespace codasync::storage::postgres
