#include "storage/reading_orders.hpp"

#include <algorithm>

namespace codasync::storage {
namespace {

using enum ReadingOrder;
using Orders = std::vector<ReadingOrder>;

/// Returns: the orders whose index begins with what the filters select. Most rows pass the filters
/// that are not here (`in_stock`, `expired=false` …), so they need no index.
Orders selective(const ReadingFilter& filter) {
  Orders orders;
  if (filter.expires_before || filter.expires_after || filter.expired == true)
    orders.insert(orders.end(), {expiry_date, expiry_date_descending});
  if (filter.not_checked_since) orders.push_back(checked_on);
  if (filter.category) orders.push_back(name);
  if (filter.in_stock == false) orders.push_back(id);
  return orders;
}

}  // namespace

std::vector<ReadingOrder> orders_of(const ReadingFilter& filter) {
  const bool one_shop = filter.shops.size() == 1;
  const bool pairs = !filter.gtins.empty();
  if (pairs && filter.shops.empty()) return {gtin};
  Orders orders = pairs ? Orders{} : selective(filter);
  if (!orders.empty() && !one_shop) return orders;
  // Expired readings are the first ones then.
  if (filter.available == false && orders.empty() && !pairs) orders.push_back(expiry_date);
  for (const auto order : {id, expiry_date, expiry_date_descending, name}) {
    if (std::ranges::find(orders, order) == orders.end()) orders.push_back(order);
  }
  if (one_shop) orders.push_back(updated_at_descending);
  return orders;
}

}  // namespace codasync::storage
