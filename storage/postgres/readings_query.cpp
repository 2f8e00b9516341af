#include "storage/postgres/readings_query.hpp"

#include "storage/postgres/columns.hpp"

namespace codasync::storage::postgres {
namespace {

/// The order of a list, and the start of a page.
struct Order {
  std::string columns;  // of the ORDER BY
  std::string after;    // condition for the rows after the cursor; empty: no cursor
};

std::string today_of_utc() { return "(now() at time zone 'UTC')::date"; }

/// Returns: SQL for the day of a timestamp, as in the columns `…_on`.
std::string day_of(const std::string& moment) {
  return "(" + moment + " at time zone 'UTC')::date";
}

std::string conditions(const ReadingFilter& filter, Query& query) {
  std::string sql = "r.present";
  const auto also = [&](const std::string& condition) { sql += " and " + condition; };
  // One value with `=`, so that an index can serve the order too.
  if (filter.shops.size() == 1) {
    also("r.shop_id = " + query.parameter(filter.shops[0].value()));
  } else if (!filter.shops.empty()) {
    also("r.shop_id = any(" + query.parameter(filter.shops) + ")");
  }
  if (filter.gtins.size() == 1) {
    also("r.gtin = " + query.parameter(filter.gtins[0].number()));
  } else if (!filter.gtins.empty()) {
    also("r.gtin = any(" + query.parameter(filter.gtins) + ")");
  }
  if (filter.category) also("p.category = " + query.parameter(*filter.category));
  if (filter.expires_before)
    also("r.expiry_date < " + query.parameter(to_string(*filter.expires_before)) + "::date");
  if (filter.expires_after)
    also("r.expiry_date > " + query.parameter(to_string(*filter.expires_after)) + "::date");
  if (filter.expired == true) {
    // The first condition is for the index: no zone is more than a day ahead of UTC.
    also("r.expiry_date <= " + today_of_utc());
    also("r.expiry_date < z.today");
  }
  const std::string good = "(r.expiry_date is null or r.expiry_date >= z.today)";
  if (filter.expired == false) also(good);
  if (filter.available == true) also("not r.sold_out and " + good);
  if (filter.available == false) also("(r.sold_out or r.expiry_date < z.today)");
  if (filter.not_checked_since) {
    const auto moment = query.parameter(to_string(*filter.not_checked_since)) + "::timestamptz";
    also("r.looked_on <= " + day_of(moment));  // for the index
    also("r.looked_at < " + moment);
  }
  if (filter.in_stock) also(*filter.in_stock ? "not r.sold_out" : "r.sold_out");
  return sql;
}

/// A list by date: rows without a date come last in both directions.
Query by_date(const std::string& select, const ReadingFilter& filter, Query query,
              std::size_t rows) {
  const bool descending = filter.order == ReadingOrder::expiry_date_descending;
  const std::string beyond = descending ? " < " : " > ";
  // Among equal dates the ids run the same way, so that one index serves both directions.
  const std::string direction = descending ? " desc" : "";
  const std::string limit = " limit " + std::to_string(rows);
  std::string dated = "r.expiry_date is not null";
  std::string undated = "r.expiry_date is null";
  if (filter.after) {
    const auto id = query.parameter(filter.after->id.value());
    if (filter.after->key) {
      dated = "(r.expiry_date, r.id)" + beyond + "(" + query.parameter(*filter.after->key) +
              "::date, " + id + ")";
    } else {
      undated += " and r.id" + beyond + id;
    }
  }
  const auto range = [&](const std::string& condition, const std::string& order) {
    return "(" + select + " and " + condition + " order by " + order + "r.id" + direction + limit +
           ")";
  };
  const auto rest = range(undated, "");
  if (filter.after && !filter.after->key) return query.add(rest);
  // The second range is read only after the first one ends: Append runs its parts in order, and a
  // plan with LIMIT is not parallel.
  return query.add(range(dated, "r.expiry_date" + direction + ", ") + " union all " + rest + limit);
}

Order order_of(const ReadingFilter& filter, Query& query) {
  const auto& after = filter.after;
  switch (filter.order) {
    case ReadingOrder::id:
      return {"r.id", after ? "r.id > " + query.parameter(after->id.value()) : ""};
    case ReadingOrder::name: {
      if (!after) return {"p.sort_name, r.id", ""};
      // The first condition is for the index: across a join a comparison of rows cannot use one.
      const auto name = "folded(" + query.parameter(after->key.value_or("")) + ")";
      return {"p.sort_name, r.id", "p.sort_name >= " + name + " and (p.sort_name, r.id) > (" +
                                       name + ", " + query.parameter(after->id.value()) + ")"};
    }
    case ReadingOrder::updated_at_descending: {
      // The days come sorted from the index; the rows of each day are sorted afterwards.
      const std::string columns = "r.updated_on desc, r.updated_at desc, r.id desc";
      if (!after) return {columns, ""};
      const auto moment = query.parameter(after->key.value_or("")) + "::timestamptz";
      return {columns, "r.updated_on <= " + day_of(moment) + " and (r.updated_at, r.id) < (" +
                           moment + ", " + query.parameter(after->id.value()) + ")"};
    }
    case ReadingOrder::expiry_date:
    case ReadingOrder::expiry_date_descending:
      break;
  }
  __builtin_unreachable();
}

}  // namespace

Query readings_query(const ReadingFilter& filter, std::size_t rows) {
  const bool needs_today = filter.expired || filter.available;
  Query query{needs_today ? kToday : ""};
  const std::string select =
      "select " + kReadingColumns + " from stock_readings r join products p using (gtin)" +
      (needs_today ? " join shops s on s.id = r.shop_id join zones z using (time_zone)" : "") +
      " where " + conditions(filter, query);
  if (filter.order == ReadingOrder::expiry_date ||
      filter.order == ReadingOrder::expiry_date_descending)
    return by_date(select, filter, std::move(query), rows);
  const auto order = order_of(filter, query);
  return query.add(select + (order.after.empty() ? "" : " and " + order.after) + " order by " +
                   order.columns + " limit " + std::to_string(rows));
}

}  // namespace codasync::storage::postgres
