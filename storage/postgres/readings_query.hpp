#pragma once

#include <cstddef>
#include <pqxx/result>

#include "storage/postgres/query.hpp"
#include "storage/reader.hpp"

namespace codasync::storage::postgres {

/// Adds to `query` the statement of a page of readings. Requires: filter.order is one of
/// orders_of() (storage/reading_orders.hpp).
void add_readings(Query& query, const ReadingFilter& filter, std::size_t limit);

/// Adds the statement that counts the readings of the list, after at most `examined` rows of its
/// index: their number, and whether there are more. `after` and `order` do not matter.
void add_count(Query& query, ReadingFilter filter, std::size_t examined);

/// Returns: the page of its rows.
ReadingPage readings_page(const pqxx::result& rows, std::size_t limit);

}  // namespace codasync::storage::postgres
