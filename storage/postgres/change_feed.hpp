#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "storage/change_feed.hpp"
#include "storage/model/outcome.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage::postgres {

/// Reads a page of the feed with one statement: at READ COMMITTED it sees what committed before it,
/// and the horizon of the same moment. Throws: see Connection.
Outcome<FeedPage, FeedRefusal> read_feed(Connection& connection, ShopId shop,
                                         const std::optional<FeedCursor>& since, std::size_t limit);

/// The same for several positions (Reader::follow). Throws: see Connection.
FeedRound follow_feed(Connection& connection, const std::vector<FeedCursor>& positions,
                      std::size_t limit);

/// Returns: the horizon of now.
FeedHorizon read_horizon(Connection& connection);

}  // namespace codasync::storage::postgres
