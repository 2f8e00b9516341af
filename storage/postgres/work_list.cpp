#include "storage/postgres/work_list.hpp"

#include <algorithm>

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/reading_orders.hpp"

// The list is a *scan* and a *condition* for each of its rows. The scan reads the parts one after
// the other, each from an index in its order, and stops after a fixed number of rows: Append runs
// its branches in order, and a plan with LIMIT is not parallel. A reading is in every part whose
// range contains it; the condition leaves it in the first one. `offset 0` keeps the condition out
// of the scan's plan.

namespace codasync::storage::postgres {
namespace {

class List {
 public:
  List(const ShopToday& shop, const WorkFilter& filter, std::size_t examined, Query& query)
      : filter_{filter},
        query_{query},
        limit_{" limit " + std::to_string(examined)},
        today_{shop.today},
        zone_{query.parameter(shop.time_zone)},
        shop_{query.parameter(filter.shop.value())} {
    const auto& own = shop.thresholds;
    const auto given = [&](const CategoryThresholds& of_category) {
      return Thresholds{
          filter.days.value_or(of_category.days.value_or(own.days)),
          filter.stale_days.value_or(of_category.stale_days.value_or(own.stale_days))};
    };
    usual_ = given({});
    if (filter.category) {
      const auto found = own.categories.find(*filter.category);
      if (found != own.categories.end()) usual_ = given(found->second);
    } else {
      for (const auto& [category, thresholds] : own.categories) {
        if (given(thresholds) != usual_) rules_.emplace(category, given(thresholds));
      }
    }
    widest_ = usual_;
    for (const auto& [category, rule] : rules_) {
      widest_.days = std::max(widest_.days, rule.days);
      widest_.stale_days = std::min(widest_.stale_days, rule.stale_days);
    }
    due_by_ = date(query.parameter(to_string(due_by(usual_))));
    stale_before_ = stale_before(usual_);
  }

  /// Returns: SQL for the thresholds of categories, as `with rules …`; nothing without any.
  std::string rules();

  /// Returns: SQL for rows of `stock_readings` with two more columns, `part` and `day`.
  std::string scan();

  /// Returns: SQL for whether a row of the scan belongs to the list, in its part. `r.category`: its
  /// category, if needs_category().
  std::string condition();
  [[nodiscard]] bool needs_category() const { return filter_.category || !rules_.empty(); }

 private:
  [[nodiscard]] Date due_by(const Thresholds& thresholds) const {
    return std::chrono::sys_days{today_} + std::chrono::days{thresholds.days};
  }
  [[nodiscard]] Date stale_on(const Thresholds& thresholds) const {
    return std::chrono::sys_days{today_} - std::chrono::days{thresholds.stale_days};
  }
  static std::string date(const std::string& parameter) { return parameter + "::date"; }
  /// SQL for the moment; a subquery, so that it is computed once.
  std::string stale_before(const Thresholds& thresholds) {
    return "(select end_of_day(" + date(query_.parameter(to_string(stale_on(thresholds)))) + ", " +
           zone_ + "))";
  }
  /// SQL for a threshold of the row's category.
  [[nodiscard]] std::string by_category(const char* column, const std::string& usual) const {
    if (rules_.empty()) return usual;
    return "coalesce((select x." + std::string{column} +
           " from rules x where x.category = r.category), " + usual + ")";
  }

  std::string part(WorkPart number, const std::string& day, const std::string& where);

  const WorkFilter& filter_;
  Query& query_;
  const std::string limit_;
  const Date today_;
  const std::string zone_;
  const std::string shop_;
  Thresholds usual_;
  Thresholds widest_;
  std::map<std::string, Thresholds> rules_;  // of categories with others
  std::string due_by_;
  std::string stale_before_;
};

std::string List::rules() {
  if (rules_.empty()) return {};
  const auto array = [&](const auto& element) {
    return query_.parameter(array_of(rules_, element));
  };
  return "with rules as materialized (select category, due_by, end_of_day(stale_on, " + zone_ +
         ") as stale_before from unnest(" +
         array([](const auto& rule) { return quoted(rule.first); }) + "::text[], " +
         array([&](const auto& rule) { return to_string(due_by(rule.second)); }) + "::date[], " +
         array([&](const auto& rule) { return to_string(stale_on(rule.second)); }) +
         "::date[]) u (category, due_by, stale_on)) ";
}

/// One part, after the cursor. `day`: its sort key before the id, empty: none.
std::string List::part(WorkPart number, const std::string& day, const std::string& where) {
  const auto& after = filter_.after;
  std::string sql = "(select " + std::to_string(static_cast<int>(number)) + " as part, " +
                    (day.empty() ? "0" : days(day)) + " as day, r.* from stock_readings r where " +
                    "r.present and r.shop_id = " + shop_ + " and " + where;
  if (after && after->part == number) {
    const auto id = query_.parameter(after->id.value());
    sql += day.empty() ? " and r.id > " + id
                       : " and (" + day + ", r.id) > (date '1970-01-01' + " +
                             query_.parameter(after->day) + "::integer, " + id + ")";
  }
  // Readings that were never looked at are a range of the same index, with null in this column.
  const auto key = number == WorkPart::never_checked ? "r.looked_on" : day;
  return sql + " order by " + (key.empty() ? "" : key + ", ") + "r.id" + limit_ + ")";
}

std::string List::scan() {
  std::string sql;
  const auto add = [&](WorkPart number, const std::string& day, const auto& where) {
    if (filter_.after && number < filter_.after->part) return;
    sql += (sql.empty() ? "" : " union all ") + part(number, day, where());
  };
  add(WorkPart::miscounted, "", [] { return std::string{"r.miscounted"}; });
  add(WorkPart::dated, "r.expiry_date",
      [&] { return "r.expiry_date <= " + date(query_.parameter(to_string(due_by(widest_)))); });
  add(WorkPart::never_checked, "", [] { return std::string{"r.looked_on is null"}; });
  add(WorkPart::stale, "r.looked_on",
      [&] { return "r.looked_on <= (" + stale_before(widest_) + " at time zone 'UTC')::date"; });
  const bool only_last = filter_.after && filter_.after->part == WorkPart::stale;
  return sql + (only_last ? "" : limit_);
}

std::string List::condition() {
  const auto number = [](WorkPart part) { return std::to_string(static_cast<int>(part)); };
  std::string sql = "(case when r.miscounted then " + number(WorkPart::miscounted) +
                    " when r.expiry_date <= " + by_category("due_by", due_by_) + " then " +
                    number(WorkPart::dated) + " when r.looked_at is null then " +
                    number(WorkPart::never_checked) + " when r.looked_at < " +
                    by_category("stale_before", stale_before_) + " then " +
                    number(WorkPart::stale) + " else -1 end) = r.part";
  if (filter_.category)
    sql += " and coalesce(r.category = " + query_.parameter(*filter_.category) + ", false)";
  return sql;
}

WorkReason reason_of(WorkPart part, const Reading& reading) {
  switch (part) {
    case WorkPart::miscounted:
      return WorkReason::miscounted;
    case WorkPart::dated:
      return reading.expired ? WorkReason::expired : WorkReason::due;
    case WorkPart::never_checked:
      return WorkReason::never_checked;
    case WorkPart::stale:
      return WorkReason::stale;
  }
  __builtin_unreachable();
}

}  // namespace

std::optional<ShopToday> shop_today(Connection& connection, ShopId shop) {
  static const std::string kStatement =
      "select s.time_zone, " + days("day_in(s.time_zone, now())") +
      ", t.version, t.days, t.stale_days, c.key, (c.value ->> 'days')::integer,"
      " (c.value ->> 'stale_days')::integer"
      " from shops s left join shop_thresholds t on t.shop_id = s.id"
      " left join lateral jsonb_each(t.categories) c on true"
      " where s.id = $1 and s.removed_at is null";
  const pqxx::result rows = connection.exec_params(kStatement, shop.value());
  if (rows.empty()) return std::nullopt;
  const auto first = rows[0];
  ShopToday found{first[0].as<std::string>(),
                  Date{std::chrono::sys_days{std::chrono::days{first[1].as<int>()}}},
                  {}};
  auto& thresholds = found.thresholds;
  if (first[2].is_null()) return found;
  thresholds.version = first[2].as<std::int64_t>();
  thresholds.days = first[3].as<std::int64_t>();
  thresholds.stale_days = first[4].as<std::int64_t>();
  for (const pqxx::row& row : rows) {
    if (row[5].is_null()) continue;
    thresholds.categories[row[5].as<std::string>()] = {optional_number(row[6]),
                                                       optional_number(row[7])};
  }
  return found;
}

void add_work_list(Query& query, const ShopToday& shop, const WorkFilter& filter,
                   std::size_t limit) {
  const auto rows = limit + 1;
  const auto examined = std::max(kExaminedMax, rows);
  const auto last = std::to_string(examined);
  List list{shop, filter, examined, query};
  query.add(list.rules());
  query.add(
      "select r.belongs, r.place = " + last + ", r.part, r.day, r.id, " + kReadingColumns +
      " from (select * from (select r.*, " + list.condition() +
      " as belongs from (select r.*, row_number() over () as place" +
      (list.needs_category() ? ", (select category from products where gtin = r.gtin) as category"
                             : "") +
      " from (" + list.scan() + ") r offset 0) r offset 0) r where r.belongs or r.place = " + last +
      " limit " + std::to_string(rows) +
      ") r cross join lateral (select name, version from products where gtin = r.gtin"
      " offset 0) p order by r.place");
}

WorkPage work_page(const pqxx::result& rows, std::size_t limit) {
  constexpr pqxx::row::size_type kOfCursor = 5;
  const auto cursor_of = [](const pqxx::row& row) {
    return WorkCursor{static_cast<WorkPart>(row[2].as<int>()), row[3].as<std::int64_t>(),
                      ReadingId{row[4].as<std::int64_t>()}};
  };
  WorkPage page;
  for (const pqxx::row& row : rows) {
    const bool belongs = row[0].as<bool>();
    if (belongs && page.rows.size() == limit) {
      page.next = cursor_of(rows[row.rownumber() - 1]);
      break;
    }
    if (belongs) {
      const auto reading = reading_of(row.slice(kOfCursor, row.size()));
      page.rows.push_back({reading, reason_of(static_cast<WorkPart>(row[2].as<int>()), reading)});
    }
    if (row[1].as<bool>()) page.next = cursor_of(row);
  }
  return page;
}

}  // namespace codasync::storage::postgres
