#pragma once

#include "storage/invalidation.hpp"
#include "storage/ledger/rows.hpp"
#include "storage/postgres/write_transaction.hpp"

namespace codasync::storage {

/// A transaction that holds the locks of one reading and writes its row, for repairs. Throws: see
/// WriteTransaction. Threads: one at a time.
class LockedReading {
 public:
  LockedReading(postgres::Connection& connection, const ChangedReading& reading);

  [[nodiscard]] StockRows& rows() { return rows_; }
  /// Returns: the row; check `exists`.
  [[nodiscard]] StockRow& row() { return rows_.begin()->second; }
  [[nodiscard]] postgres::WriteTransaction& transaction() { return transaction_; }

  /// Deletes the cache entries of the reading, writes, and commits.
  void write(Invalidation& invalidation, const BatchWrites& writes);

 private:
  postgres::WriteTransaction transaction_;
  StockRows rows_;
};

}  // namespace codasync::storage
