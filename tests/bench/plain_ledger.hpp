#pragma once

#include <memory>
#include <string>

#include "storage/stock_ledger.hpp"

namespace codasync::bench {

/// How a plain write sends its statements. With prepared ones the session keeps a state, which a
/// PgBouncer in transaction mode forbids.
enum class Statements { unnamed, prepared };

/// What the lanes are compared with: one transaction for each write, as most services do it. BEGIN,
/// SELECT … FOR UPDATE, UPDATE, INSERT into the ledger, COMMIT; five round trips. It takes no
/// advisory locks, deletes nothing from the cache, keeps no idempotency keys, and writes
/// adjustments only. Returns: a ledger with a thread for each of `connections`. `url`: of
/// PostgreSQL.
std::unique_ptr<storage::StockLedger> make_plain_ledger(const std::string& url,
                                                        std::size_t connections,
                                                        Statements statements);

}  // namespace codasync::bench
