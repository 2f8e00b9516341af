#pragma once

#include <cstddef>
#include <pqxx/result>

#include "storage/postgres/query.hpp"
#include "storage/reader.hpp"

namespace codasync::storage::postgres {

/// Adds to `query` the statement of a page of readings. Requires: filter.order is one of
/// orders_of() (storage/reading_orders.hpp).
void add_readings(Query& query, const ReadingFilter& filter, std::size_t limit);

/// Returns: the page of its rows.
ReadingPage readings_page(const pqxx::result& rows, std::size_t limit);

}  // namespace codasync::storage::postgres
