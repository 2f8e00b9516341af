#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>

#include "storage/invalidation.hpp"
#include "storage/options.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage {

/// Takes back what a wrong clock of the database put into the future of one reading, and records it
/// again as of now (storage/README.md, "One clock"). Returns: whether there was such a thing.
/// Throws: Conflict, InDoubt, Unavailable; it can be repeated.
bool repair_clock(postgres::Connection& connection, Invalidation& invalidation,
                  const ChangedReading& reading);

/// The same for every reading. Reads the whole table, a part at a time; ends early when `stop` is
/// requested. `connection` is made, and made again when it is lost. Returns: how many were
/// repaired.
std::size_t repair_clock_everywhere(std::unique_ptr<postgres::Connection>& connection,
                                    const PostgresOptions& options, Invalidation& invalidation,
                                    const std::stop_token& stop);

}  // namespace codasync::storage
