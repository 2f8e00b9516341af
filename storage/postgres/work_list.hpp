#pragma once

#include <string>

#include "storage/postgres/connection.hpp"
#include "storage/postgres/query.hpp"
#include "storage/work_list.hpp"

namespace codasync::storage::postgres {

/// A shop on its current day.
struct ShopToday {
  std::string time_zone;
  Date today;
  ShopThresholds thresholds;
};

/// Returns: nullopt when the shop does not exist.
std::optional<ShopToday> shop_today(Connection& connection, ShopId shop);

/// Adds the statement of a page of the work list. It examines at most kExaminedMax rows, or
/// `limit` + 1 if that is more (storage/reading_orders.hpp).
void add_work_list(Query& query, const ShopToday& shop, const WorkFilter& filter,
                   std::size_t limit);

/// Returns: the page of the rows of that statement.
WorkPage work_page(const pqxx::result& rows, std::size_t limit);

}  // namespace codasync::storage::postgres
