#include "storage/postgres/readings_query.hpp"

#include "storage/postgres/columns.hpp"

namespace codasync::storage::postgres {
namespace {

/// The part of a list that is sorted by one key, without nulls, and then by id.
struct Order {
  std::string key;   // column
  std::string type;  // of the cursor's key
  bool descending{false};
};

Order order_of(ReadingOrder order) {
  switch (order) {
    case ReadingOrder::id:
      return {"", ""};
    case ReadingOrder::expiry_date:
      return {"r.expiry_date", "date"};
    case ReadingOrder::expiry_date_descending:
      return {"r.expiry_date", "date", true};
    case ReadingOrder::name:
      return {"p.name", "text"};
    case ReadingOrder::updated_at_descending:
      return {"r.updated_at", "timestamptz", true};
  }
  __builtin_unreachable();
}

std::string conditions(const ReadingFilter& filter, Query& query) {
  std::string sql = "not r.removed";
  const auto also = [&](const std::string& condition) { sql += " and " + condition; };
  if (filter.shop) also("r.shop_id = " + query.parameter(filter.shop->value()));
  if (filter.gtin) also("r.gtin = " + query.parameter(filter.gtin->number()));
  if (filter.category) also("p.category = " + query.parameter(*filter.category));
  if (filter.expires_before)
    also("r.expiry_date < " + query.parameter(to_string(*filter.expires_before)) + "::date");
  if (filter.expires_after)
    also("r.expiry_date > " + query.parameter(to_string(*filter.expires_after)) + "::date");
  if (filter.expired) {
    // No zone is more than a day ahead of UTC: the first condition is there for the index.
    also("r.expiry_date <= (now() at time zone 'UTC')::date");
    also("r.expiry_date < (now() at time zone s.time_zone)::date");
  }
  if (filter.not_checked_since)
    also("r.folded_at < " + query.parameter(to_string(*filter.not_checked_since)) +
         "::timestamptz");
  if (filter.in_stock) also("r.quantity > 0");
  return sql;
}

/// One range of the list, read from its index in the right order.
std::string range(const Order& order, bool by_date, const std::string& select,
                  const std::string& condition, std::size_t rows) {
  const std::string direction = order.descending ? " desc" : "";
  // Among equal or no keys the ids run the same way, so that one index serves both directions.
  std::string sort = order.key.empty() ? "" : order.key + direction + ", ";
  sort += "r.id" + direction;
  const std::string sql =
      select + " and " + condition + " order by " + sort + " limit " + std::to_string(rows);
  return by_date ? "(" + sql + ")" : sql;
}

}  // namespace

Query readings_query(const ReadingFilter& filter, std::size_t rows) {
  const Order order = order_of(filter.order);
  const bool by_date = order.type == "date";
  Query query{""};
  const std::string select = "select " + kReadingColumns +
                             " from stock_readings r join products p using (gtin)" +
                             (filter.expired ? " join shops s on s.id = r.shop_id" : "") +
                             " where " + conditions(filter, query);

  const std::string beyond = order.descending ? " < " : " > ";
  std::string after_key = by_date ? "r.expiry_date is not null" : "true";
  std::string after_null = "r.expiry_date is null";
  bool keys_are_over = false;  // the page before ended among the rows without a date
  if (filter.after) {
    const std::string id = query.parameter(filter.after->id.value());
    keys_are_over = by_date && !filter.after->key;
    if (order.key.empty()) {
      after_key = "r.id > " + id;
    } else if (keys_are_over) {
      after_null += " and r.id" + beyond + id;
    } else {
      after_key = "(" + order.key + ", r.id)" + beyond + "(" +
                  query.parameter(filter.after->key.value_or("")) + "::" + order.type + ", " + id +
                  ")";
    }
  }
  if (!by_date) return query.add(range(order, by_date, select, after_key, rows));
  // Rows without a date come last in both directions: a range of their own, read only when the
  // first one ends.
  const std::string undated = range(order, by_date, select, after_null, rows);
  if (keys_are_over) return query.add(undated);
  return query.add(range(order, by_date, select, after_key, rows) + " union all " + undated +
                   " limit " + std::to_string(rows));
}

}  // namespace codasync::storage::postgres
