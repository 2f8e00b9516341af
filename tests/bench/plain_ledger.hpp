#pragma once

#include <memory>
#include <string>

#include "storage/stock_ledger.hpp"

namespace codasync::bench {

/// How a plain write sends its statements. Prepared statements are session state, which PgBouncer
/// in transaction mode does not support.
enum class Statements { unnamed, prepared };

/// The reference for the lanes: one transaction for each write, as in most services. BEGIN, SELECT
/// … FOR UPDATE, UPDATE, INSERT into the ledger, COMMIT: five round trips. It takes no advisory
/// locks, deletes no cache entries, stores no idempotency keys, and supports adjustments only.
/// Returns: a ledger with one thread for each of `connections`. `url`: of PostgreSQL.
std::unique_ptr<storage::StockLedger> make_plain_ledger(const std::string& url,
                                                        std::size_t connections,
                                                        Statements statements);

}  // namespace codasync::bench
