#include "storage/postgres/overview.hpp"

#include <utility>

#include "storage/postgres/columns.hpp"
#include "storage/postgres/query.hpp"

// One statement reads each row once and counts it in four groupings. `about` says what a row
// counts: all, a shop, a category, a day; the row `open` has today and the number of shops.

namespace codasync::storage::postgres {
namespace {

std::string statement(const OverviewFilter& filter, Query& query) {
  const auto shop = filter.shop ? query.parameter(filter.shop->value()) : std::string{};
  const auto of_shop = [&](const char* column) {
    return filter.shop ? " and " + std::string{column} + " = " + shop : std::string{};
  };
  const auto rows_max = std::to_string(kOverviewRowsMax);
  return "with open as materialized (select id, today, end_of_day(today - " +
         query.parameter(filter.stale_days) +
         "::integer, time_zone) as stale_before from (select id, time_zone,"
         " day_in(time_zone, now()) as today from shops where removed_at is null" +
         of_shop("id") +
         " offset 0) s), judged as (select r.shop_id, p.category, r.quantity, r.looked_at,"
         " r.expiry_date < o.today as expired, r.expiry_date between o.today and o.today + " +
         query.parameter(filter.due_days) +
         "::integer as due, r.looked_at is null or r.looked_at < o.stale_before as not_checked,"
         " case when r.expiry_date >= o.today and r.expiry_date < (select min(today) from open) "
         "+ " +
         query.parameter(filter.days) +
         "::integer then r.expiry_date end as day from (select shop_id, gtin, quantity, "
         "expiry_date,"
         " looked_at from stock_readings where present" +
         of_shop("shop_id") + " limit " + std::to_string(kOverviewReadingsMax + 1) +
         ") r join open o on o.id = r.shop_id join products p using (gtin)),"
         " counted as (select case grouping(shop_id, category, day) when 7 then 'all' when 3 then"
         " 'shop' when 5 then 'category' else 'day' end as about, shop_id, category, day,"
         " count(*) as readings, coalesce(sum(quantity), 0)::bigint as units,"
         " count(*) filter (where expired) as expired, count(*) filter (where due) as due,"
         " count(*) filter (where not_checked) as not_checked, max(looked_at) as looked_at"
         " from judged group by grouping sets ((), (shop_id), (category), (day))),"
         " ranked as (select *, row_number() over (partition by about order by expired desc,"
         " due desc, readings desc, shop_id, category) as place from counted)"
         " select 'open' as about, null::bigint as shop_id, null::text as category, " +
         days("coalesce(min(today), (now() at time zone 'UTC')::date)") +
         " as day, count(*) as readings, null::bigint as units, null::bigint as expired,"
         " null::bigint as due, null::bigint as not_checked, null::bigint as looked_at from open"
         " union all (select c.about, c.shop_id, c.category, " +
         days("c.day") + ", c.readings, c.units, c.expired, c.due, c.not_checked, " +
         micros("c.looked_at") + " from ranked c where (c.about = 'day' and c.day is not null) or" +
         " (c.about <> 'day' and c.place <= " + rows_max + ") order by c.place)";
}

Date date_of(const pqxx::field& days) {
  return Date{std::chrono::sys_days{std::chrono::days{days.as<int>()}}};
}

OverviewCounts counts_of(const pqxx::row& row) {
  const auto number = [&](const char* column) { return row[column].as<std::int64_t>(); };
  return {.readings = number("readings"),
          .units = number("units"),
          .expired = number("expired"),
          .due = number("due"),
          .not_checked = number("not_checked"),
          .checked_at = optional_instant(row["looked_at"])};
}

}  // namespace

Outcome<Overview, OverviewRefusal> read_overview(Connection& connection,
                                                 const OverviewFilter& filter) {
  Query query{""};
  query.add(statement(filter, query));
  const auto rows = query.run(connection);
  Overview overview;
  for (const pqxx::row& row : rows) {
    const auto about = row["about"].as<std::string>();
    if (about == "open") {
      if (filter.shop && row["readings"].as<int>() == 0) return OverviewRefusal::unknown_shop;
      overview.today = date_of(row["day"]);
    } else if (about == "all") {
      overview.all = counts_of(row);
    } else if (about == "day") {
      overview.by_day.emplace(date_of(row["day"]), row["readings"].as<std::int64_t>());
    } else if (about == "shop") {
      overview.shops.push_back({ShopId{row["shop_id"].as<std::int64_t>()}, counts_of(row)});
    } else {
      overview.categories.push_back({optional_text(row["category"]), counts_of(row)});
    }
  }
  if (std::cmp_greater(overview.all.readings, kOverviewReadingsMax))
    return OverviewRefusal::too_many_readings;
  return overview;
}

}  // namespace codasync::storage::postgres
