#include "storage/postgres/readings_query.hpp"

#include <algorithm>
#include <cassert>

#include "storage/model/text.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/reading_orders.hpp"

// A list of readings is a *scan*, which reads rows from an index in the order of the list and stops
// after a fixed number of them, and a *condition* for each of these rows. Nothing in the condition
// can change the plan of the scan: `offset 0`, LIMIT and scalar subqueries separate them for the
// planner.

namespace codasync::storage::postgres {
namespace {

const std::string kTodayInUtc = "(now() at time zone 'UTC')::date";

/// Returns: SQL for the day of a timestamp, as in the columns `…_on`.
std::string day_of(const std::string& moment) {
  return "(" + moment + " at time zone 'UTC')::date";
}

std::string date(const std::string& days) { return "(date '1970-01-01' + " + days + "::integer)"; }

class List {
 public:
  /// `examined`: the rows that the scan reads.
  List(const ReadingFilter& filter, std::size_t examined, Query& query)
      : filter_{filter}, query_{query}, examined_{examined} {}

  /// Returns: SQL for rows of `stock_readings` with one more column, `at_gtin`: their product. In
  /// the order of names a product without a reading has a row too; the others are null there.
  std::string scan();

  /// Returns: SQL for whether a row of the scan belongs to the list.
  std::string condition();

  /// Returns: SQL for the key and the number of a row's ReadingCursor.
  [[nodiscard]] std::string cursor() const;

 private:
  [[nodiscard]] bool descending() const {
    return filter_.order == ReadingOrder::expiry_date_descending;
  }

  /// A range of an index, by its first columns.
  std::string range(const std::string& where) const {
    return "(select r.gtin as at_gtin, r.* from " + rows_ + " where " + where + " order by " +
           order() + limit() + ")";
  }
  std::string one_after_the_other(const std::vector<std::string>& ranges) const {
    return joined(ranges, " union all ") + (ranges.size() > 1 ? limit() : "");
  }

  [[nodiscard]] std::string limit(std::size_t more = 0) const {
    return " limit " + std::to_string(examined_ + more);
  }
  [[nodiscard]] std::string order() const;
  std::string by_date();
  std::string by_gtin();
  std::string by_name();
  std::string in_each_shop(const std::string& where);
  std::string expired();

  // Parameters. PostgreSQL refuses a statement with one that it does not use, so each is added when
  // it is used first.
  std::string shop() {
    return once(shop_, [this] { return filter_.shops[0].value(); });
  }
  std::string number() {
    return once(number_, [this] { return filter_.after->number; });
  }
  std::string key() {
    return once(key_, [this] { return *filter_.after->key; });
  }
  template <class Value>
  std::string once(std::string& placeholder, const Value& value) {
    if (placeholder.empty()) placeholder = query_.parameter(value());
    return placeholder;
  }

  [[nodiscard]] bool one_shop() const { return filter_.shops.size() == 1; }
  /// SQL for the current day in the shop of a row.
  std::string today() {
    return one_shop() ? "(select day_in(time_zone, now()) from shops where id = " + shop() + ")"
                      : "day_in((select time_zone from shops where id = r.shop_id), now())";
  }

  const ReadingFilter& filter_;
  Query& query_;
  const std::size_t examined_;
  std::string rows_{"stock_readings r"};
  std::string shop_;
  std::string number_;
  std::string key_;
};

std::string List::order() const {
  switch (filter_.order) {
    case ReadingOrder::id:
      return "r.id";
    case ReadingOrder::expiry_date:
      return "r.expiry_date, r.id";
    case ReadingOrder::expiry_date_descending:
      // The ids run the same way, so that one index serves both directions.
      return "r.expiry_date desc, r.id desc";
    case ReadingOrder::checked_on:
      return "r.looked_on, r.id";
    case ReadingOrder::updated_at_descending:
      // The days come sorted from the index; the rows of each day are sorted afterwards.
      return "r.updated_on desc, r.updated_at desc, r.id desc";
    case ReadingOrder::gtin:
      return "r.gtin, r.shop_id";
    case ReadingOrder::name:
      return "p.sort_name, p.gtin, r.shop_id";
  }
  __builtin_unreachable();
}

std::string List::cursor() const {
  switch (filter_.order) {
    case ReadingOrder::id:
      return "null, r.id";
    case ReadingOrder::expiry_date:
    case ReadingOrder::expiry_date_descending:
      return days("r.expiry_date") + ", r.id";
    case ReadingOrder::checked_on:
      return days("r.looked_on") + ", r.id";
    case ReadingOrder::updated_at_descending:
      return micros("r.updated_at") + ", r.id";
    case ReadingOrder::gtin:
    case ReadingOrder::name:
      return "null, r.at_gtin";
  }
  __builtin_unreachable();
}

std::string List::scan() {
  if (!filter_.gtins.empty() && !filter_.shops.empty()) {
    rows_ = "(select * from stock_readings r where r.present and r.shop_id = any(" +
            query_.parameter(filter_.shops) + ") and r.gtin = any(" +
            query_.parameter(filter_.gtins) + ") offset 0) r";
  }
  const bool continues = filter_.after.has_value();
  switch (filter_.order) {
    case ReadingOrder::id: {
      const auto after = continues ? "r.id > " + number() : "true";
      if (filter_.in_stock == false) return in_each_shop("r.present and r.sold_out and " + after);
      // No index has the ids of present readings of all shops: the condition leaves the others out.
      return in_each_shop(after);
    }
    case ReadingOrder::expiry_date:
    case ReadingOrder::expiry_date_descending:
      return by_date();
    case ReadingOrder::checked_on: {
      const auto moment = query_.parameter(to_string(*filter_.not_checked_since)) + "::timestamptz";
      return in_each_shop(
          "r.present and r.looked_on <= " + day_of(moment) +
          (continues ? " and (r.looked_on, r.id) > (" + date(key()) + ", " + number() + ")" : ""));
    }
    case ReadingOrder::updated_at_descending: {
      if (!continues) return in_each_shop("r.present");
      const auto moment = "moment_of(" + key() + ")";
      return in_each_shop("r.present and r.updated_on <= " + day_of(moment) +
                          " and (r.updated_at, r.id) < (" + moment + ", " + number() + ")");
    }
    case ReadingOrder::gtin:
      return by_gtin();
    case ReadingOrder::name:
      return by_name();
  }
  __builtin_unreachable();
}

/// Merges the ranges of several shops. The pairs of shops and products are one range.
std::string List::in_each_shop(const std::string& where) {
  if (filter_.shops.empty() || !filter_.gtins.empty()) return range(where);
  std::vector<std::string> ranges;
  for (const auto shop : filter_.shops)
    ranges.push_back(range("r.present and r.shop_id = " +
                           (one_shop() ? this->shop() : query_.parameter(shop.value())) + " and " +
                           where));
  if (ranges.size() == 1) return ranges[0];
  return "(select * from (" + joined(ranges, " union all ") + ") r order by " + order() + limit() +
         ")";
}

/// Rows without a date come last in both directions: two ranges of the index.
std::string List::by_date() {
  std::string dated = "r.present and r.expiry_date is not null";
  std::string undated = "r.present and r.expiry_date is null";
  bool has_undated = true;
  const auto bound = [&](const std::string& condition) {
    dated += " and r.expiry_date " + condition;
  };
  if (filter_.expires_before)
    bound("< " + query_.parameter(to_string(*filter_.expires_before)) + "::date");
  if (filter_.expires_after)
    bound("> " + query_.parameter(to_string(*filter_.expires_after)) + "::date");
  if (filter_.expires_before || filter_.expires_after || filter_.expired == true)
    has_undated = false;
  // No zone's day is more than one day away from that of UTC.
  if (filter_.expired == true) bound(one_shop() ? "< " + today() : "<= " + kTodayInUtc);
  if (filter_.expired == false || filter_.available == true)
    bound(">= " + (one_shop() ? today() : kTodayInUtc + " - 1"));
  if (filter_.after) {
    const std::string beyond = descending() ? " < " : " > ";
    if (!filter_.after->key) {
      undated += " and r.id" + beyond + number();
      return in_each_shop(undated);
    }
    dated += " and (r.expiry_date, r.id)" + beyond + "(" + date(key()) + ", " + number() + ")";
  }
  if (!has_undated) return in_each_shop(dated);
  return one_after_the_other({in_each_shop(dated), in_each_shop(undated)});
}

std::string List::by_gtin() {
  auto gtins = filter_.gtins;
  std::ranges::sort(gtins);
  std::vector<std::string> ranges;
  for (const auto gtin : gtins) {
    if (filter_.after && gtin.number() < filter_.after->number) continue;
    const bool partly = filter_.after && gtin.number() == filter_.after->number;
    ranges.push_back(
        range("r.present and r.gtin = " + query_.parameter(gtin.number()) +
              (partly ? " and r.shop_id > " + query_.parameter(filter_.after->shop) : "")));
  }
  return ranges.empty() ? range("false") : one_after_the_other(ranges);
}

/// The products in the order of their names, and the readings of each. A shop with few readings is
/// sorted instead: it could lack most of the products.
std::string List::by_name() {
  std::string from;
  std::string after;
  if (filter_.after) {
    const auto name = "folded(" + query_.parameter(filter_.after->name) + ")";
    from = " and (p.sort_name, p.gtin) >= (" + name + ", " + number() + ")";
    after = " and (p.sort_name, p.gtin, r.shop_id) > (" + name + ", " + number() + ", " +
            query_.parameter(filter_.after->shop) + ")";
  }
  const auto sorted = [&](const std::string& rows) {
    return "(select r.gtin as at_gtin, r.* from " + rows +
           " cross join lateral (select sort_name, gtin from products where gtin = r.gtin offset "
           "0) p"
           " where true" +
           after + " order by " + order() + limit() + ")";
  };
  if (!filter_.gtins.empty()) return sorted(rows_);

  const auto in_shops = filter_.shops.empty() ? std::string{}
                        : one_shop()
                            ? " and r.shop_id = " + shop()
                            : " and r.shop_id = any(" + query_.parameter(filter_.shops) + ")";
  const auto products = [&](const std::string& condition) {
    // A product without a reading has a row, so that the limit counts it. Only the product of the
    // cursor can have none.
    return "(select p.gtin as at_gtin, r.* from (select p.sort_name, p.gtin from products p "
           "where " +
           condition +
           (filter_.category ? " and p.removed_at is null and p.category = " +
                                   query_.parameter(*filter_.category)
                             : "") +
           from + " order by p.sort_name, p.gtin" + limit(1) +
           ") p left join lateral (select * from "
           "stock_readings r where r.present and r.gtin = p.gtin" +
           in_shops + " offset 0) r on true where (r.id is null" +
           (after.empty() ? " or true" : " or" + after.substr(4)) + ") order by " + order() +
           limit() + ")";
  };
  if (!one_shop()) return products("true");
  const auto few = "(select count(*) from (select from stock_readings r where r.present" +
                   in_shops + " limit " + std::to_string(kExaminedMax) + ") c) < " +
                   std::to_string(kExaminedMax);
  return sorted("(select * from stock_readings r where r.present" + in_shops + " and " + few +
                " offset 0) r") +
         " union all " + products("not " + few);
}

/// The subquery is only for the days that can be today in a zone.
std::string List::expired() {
  if (one_shop()) return "coalesce(r.expiry_date < " + today() + ", false)";
  return "case when r.expiry_date < " + kTodayInUtc +
         " - 1 then true when r.expiry_date <= " + kTodayInUtc + " then r.expiry_date < " +
         today() + " else false end";
}

std::string List::condition() {
  std::string sql = "r.present";
  const auto also = [&](const std::string& condition) { sql += " and " + condition; };
  if (filter_.category)
    also("(select category from products where gtin = r.gtin) = " +
         query_.parameter(*filter_.category));
  if (filter_.expires_before)
    also("r.expiry_date < " + query_.parameter(to_string(*filter_.expires_before)) + "::date");
  if (filter_.expires_after)
    also("r.expiry_date > " + query_.parameter(to_string(*filter_.expires_after)) + "::date");
  if (filter_.expired) also(std::string{*filter_.expired ? "" : "not "} + expired());
  if (filter_.available)
    also(std::string{*filter_.available ? "not " : ""} + "(r.sold_out or " + expired() + ")");
  if (filter_.not_checked_since)
    also("r.looked_at < " + query_.parameter(to_string(*filter_.not_checked_since)) +
         "::timestamptz");
  if (filter_.in_stock) also(*filter_.in_stock ? "not r.sold_out" : "r.sold_out");
  return sql;
}

}  // namespace

void add_readings(Query& query, const ReadingFilter& filter, std::size_t limit) {
  assert(std::ranges::count(orders_of(filter), filter.order) == 1);
  const auto rows = limit + 1;
  const auto examined = std::max(kExaminedMax, rows);
  List list{filter, examined, query};
  const auto last = std::to_string(examined);
  const auto scan = list.scan();
  query.add("select r.belongs, r.place = " + last + ", " + list.cursor() +
            ", coalesce(r.shop_id, 9223372036854775807), p.name, " + kReadingColumns +
            " from (select * from (select r.*, " + list.condition() +
            " as belongs, row_number() over () as place from (" + scan +
            ") r offset 0) r where r.belongs or r.place = " + last + " limit " +
            std::to_string(rows) +
            ") r cross join lateral (select name, version from products where gtin = r.at_gtin"
            " offset 0) p order by r.place");
}

void add_count(Query& query, ReadingFilter filter, std::size_t examined) {
  filter.after.reset();
  filter.order = orders_of(filter).front();
  List list{filter, examined + 1, query};
  const auto scan = list.scan();
  query.add("select count(*) filter (where " + list.condition() + "), count(*) > " +
            std::to_string(examined) + " from (" + scan + ") r");
}

ReadingPage readings_page(const pqxx::result& rows, std::size_t limit) {
  constexpr pqxx::row::size_type kOfCursor = 6;
  const auto cursor_of = [](const pqxx::row& row) {
    return ReadingCursor{.key = optional_number(row[2]),
                         .number = row[3].as<std::int64_t>(),
                         .shop = row[4].as<std::int64_t>(),
                         .name = row[5].as<std::string>()};
  };
  ReadingPage page;
  for (const pqxx::row& row : rows) {
    const bool belongs = row[0].as<bool>(false);
    if (belongs && page.rows.size() == limit) {
      page.next = cursor_of(rows[row.rownumber() - 1]);
      break;
    }
    if (belongs) page.rows.push_back(reading_of(row.slice(kOfCursor, row.size())));
    if (row[1].as<bool>()) page.next = cursor_of(row);
  }
  return page;
}

}  // namespace codasync::storage::postgres
