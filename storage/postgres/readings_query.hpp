#pragma once

#include <cstddef>

#include "storage/postgres/query.hpp"
#include "storage/reader.hpp"

namespace codasync::storage::postgres {

/// Returns: the query of the first `rows` readings of a list.
Query readings_query(const ReadingFilter& filter, std::size_t rows);

}  // namespace codasync::storage::postgres
