#pragma once

#include "storage/model/outcome.hpp"
#include "storage/overview.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage::postgres {

/// See Reader::overview().
Outcome<Overview, OverviewRefusal> read_overview(Connection& connection,
                                                 const OverviewFilter& filter);

}  // namespace codasync::storage::postgres
