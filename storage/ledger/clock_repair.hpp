#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>

#include "storage/invalidation.hpp"
#include "storage/options.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage {

/// Voids the events of one reading that are in the future because the database's clock was wrong,
/// and records them again as of now (storage/README.md, "One clock"). Returns: whether the reading
/// had such events. Throws: Conflict, InDoubt, Unavailable; the call can be repeated.
bool repair_clock(postgres::Connection& connection, Invalidation& invalidation,
                  const ChangedReading& reading);

/// The same for every reading. Reads the whole table in parts; ends early when `stop` is requested.
/// It opens `connection`, again after a loss. Returns: the number of repaired readings.
std::size_t repair_clock_everywhere(std::unique_ptr<postgres::Connection>& connection,
                                    const PostgresOptions& options, Invalidation& invalidation,
                                    const std::stop_token& stop);

}  // namespace codasync::storage
