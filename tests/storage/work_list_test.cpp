#include "storage/postgres/work_list.hpp"

#include <gmock/gmock.h>

#include <regex>
#include <set>
#include <sstream>

#include "storage/make_storage.hpp"
#include "tests/support/database.hpp"

namespace codasync::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A shop in the time zone in which a day begins first, one in which it begins last, and one in
/// which clocks go back at midnight.
class WorkListTest : public testing::Test {
 protected:
  WorkListTest() {
    database_.run(R"sql(
      insert into shops (name, time_zone) values
        ('First', 'Pacific/Kiritimati'), ('Last', 'Pacific/Niue'), ('Back', 'America/Sao_Paulo');
      insert into products (gtin, name, category)
        select g, 'Tea ' || g, case when g % 2 = 0 then 'even' else 'odd' end from generate_series(1, 400) g;
    )sql");
    storage_ = make_database(database_.options());
    connection_ = std::make_unique<postgres::Connection>(database_.options());
  }

  /// `date`, `looked`: SQL; `today` is the day of the shop.
  void add(int shop, int gtin, const std::string& date, const std::string& looked,
           const std::string& quantity = "null", const std::string& plain = "null") {
    const std::string zone =
        "(select time_zone from shops where id = " + std::to_string(shop) + ")";
    database_.run(
        "insert into stock_readings (shop_id, gtin, expiry_date, looked_at, quantity, plain, "
        "lowest, present, version, observed_at, updated_at, received_at) select " +
        std::to_string(shop) + ", " + std::to_string(gtin) + ", " + date + ", " + looked + ", " +
        quantity + ", " + plain + ", " + quantity +
        ", true, 1, now(), now(), now() from (select day_in(" + zone + ", now()) as today) t");
  }
  /// SQL for a moment: the end of the day that was `days` ago in the shop, and `offset` more.
  static std::string end_of(int shop, int days, const std::string& offset) {
    return "end_of_day(today - " + std::to_string(days) +
           ", (select time_zone from shops where id = " + std::to_string(shop) + ")) + interval '" +
           offset + "'";
  }

  using Line = std::pair<std::int64_t, WorkReason>;
  /// Follows the cursors from page to page. Returns: the GTINs with their reasons.
  std::vector<Line> all(WorkFilter filter, std::size_t limit = kPageMax) {
    std::vector<Line> lines;
    for (int pages = 0; pages < 1000; ++pages) {
      const auto page = storage_->read()->work_list(filter, limit);
      if (!page) break;
      EXPECT_LE(page->rows.size(), limit);
      for (const auto& item : page->rows)
        lines.emplace_back(item.reading.gtin.number(), item.reason);
      if (!page->next) return lines;
      filter.after = page->next;
    }
    ADD_FAILURE() << "the pages do not end";
    return lines;
  }

  test::TestDatabase database_;
  std::unique_ptr<Database> storage_;
  std::unique_ptr<postgres::Connection> connection_;
};

constexpr auto kMiscounted = WorkReason::miscounted;
constexpr auto kExpired = WorkReason::expired;
constexpr auto kDue = WorkReason::due;
constexpr auto kNever = WorkReason::never_checked;
constexpr auto kStale = WorkReason::stale;

TEST_F(WorkListTest, ranks_each_reading_once_by_its_first_reason_in_the_days_of_the_shop) {
  for (const int shop : {1, 2}) {
    const auto lately = "now()";
    add(shop, 1, "null", end_of(shop, 14, "0"), "5", "5");  // the first moment that is not stale
    add(shop, 2, "null", end_of(shop, 14, "-1 us"));        // the last one that is
    add(shop, 3, "null", "null");
    add(shop, 4, "today + 4", lately);
    add(shop, 5, "today + 3", lately);
    add(shop, 6, "today", lately);
    add(shop, 7, "today - 1", lately);
    add(shop, 8, "today - 30", "null", "3", "1");  // every reason but one
    add(shop, 9, "today - 2", "null");
    add(shop, 10, "today + 4", "null");
    add(shop, 11, "today + 1", end_of(shop, 40, "0"));
    add(shop, 12, "today", lately);                    // a tie with 6
    add(shop, 13, "null", end_of(shop, 14, "-1 us"));  // a tie with 2
    add(shop, 14, "today + 90", end_of(shop, 60, "0"));
    add(shop, 15, "null", lately, "0", "0");
    const std::vector<Line> expected{{8, kMiscounted}, {9, kExpired}, {7, kExpired}, {6, kDue},
                                     {12, kDue},       {11, kDue},    {5, kDue},     {3, kNever},
                                     {10, kNever},     {14, kStale},  {2, kStale},   {13, kStale}};
    for (const std::size_t limit : {1U, 2U, 5U, 11U, 12U, 1000U})
      EXPECT_EQ(all({.shop = ShopId{shop}}, limit), expected) << shop << ", limit " << limit;
  }
  EXPECT_THAT(all({.shop = ShopId{1}, .days = 0, .stale_days = 365}),
              ElementsAre(Line{8, kMiscounted}, Line{9, kExpired}, Line{7, kExpired}, Line{6, kDue},
                          Line{12, kDue}, Line{3, kNever}, Line{10, kNever}));
  EXPECT_THAT(all({.shop = ShopId{1}, .category = "odd"}, 1),
              ElementsAre(Line{9, kExpired}, Line{7, kExpired}, Line{11, kDue}, Line{5, kDue},
                          Line{3, kNever}, Line{13, kStale}));
  EXPECT_THAT(all({.shop = ShopId{1}, .category = "none"}), IsEmpty());
  EXPECT_THAT(all({.shop = ShopId{3}}), IsEmpty());
  EXPECT_FALSE(storage_->read()->work_list({.shop = ShopId{4}}, 10));
}

TEST_F(WorkListTest, leaves_out_removed_readings_and_removed_shops) {
  add(1, 1, "today", "now()");
  add(1, 2, "today", "now()");
  database_.run("update stock_readings set present = false where gtin = 1");
  EXPECT_THAT(all({.shop = ShopId{1}}), ElementsAre(Line{2, kDue}));
  database_.run("update shops set removed_at = now() where id = 1");
  EXPECT_FALSE(storage_->read()->work_list({.shop = ShopId{1}}, 10));
  EXPECT_FALSE(storage_->read()->thresholds(ShopId{1}));
}

TEST_F(WorkListTest, counts_days_without_checks_also_where_a_day_has_two_midnights) {
  // 2018-02-17 in São Paulo: from 24:00 the clocks went back to 23:00. It ended at 03:00 UTC.
  add(3, 1, "null", "timestamptz '2018-02-18 01:59:59Z'");
  add(3, 2, "null", "timestamptz '2018-02-18 02:30:00Z'");
  add(3, 3, "null", "timestamptz '2018-02-18 02:59:59Z'");
  add(3, 4, "null", "timestamptz '2018-02-18 03:00:00Z'");
  const auto on = [&](Date today) {
    postgres::Query query{""};
    postgres::add_work_list(query, {"America/Sao_Paulo", today, {}}, {.shop = ShopId{3}}, 10);
    std::vector<std::int64_t> gtins;
    for (const auto& item : postgres::work_page(query.run(*connection_), 10).rows)
      gtins.push_back(item.reading.gtin.number());
    return gtins;
  };
  using namespace std::chrono_literals;
  EXPECT_THAT(on(2018y / 3 / 2), IsEmpty());
  EXPECT_THAT(on(2018y / 3 / 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(on(2018y / 3 / 4), ElementsAre(1, 2, 3, 4));
}

TEST_F(WorkListTest, uses_the_thresholds_of_the_shop_and_of_categories) {
  add(1, 1, "today + 5", "now()");
  add(1, 2, "today + 5", "now()");
  add(1, 3, "today + 2", "now()");
  add(1, 4, "today + 2", "now()");
  add(1, 5, "null", end_of(1, 3, "-1 s"));
  add(1, 6, "null", end_of(1, 3, "-1 s"));
  const auto of_shop = [&](const std::string& days, const std::string& categories) {
    database_.run(
        "insert into shop_thresholds (shop_id, days, stale_days, categories) values (1, " + days +
        ", '" + categories +
        "') on conflict (shop_id) do update set days = "
        "excluded.days, stale_days = excluded.stale_days, categories = excluded.categories");
  };
  of_shop("5, 30", "{}");
  EXPECT_THAT(all({.shop = ShopId{1}}),
              ElementsAre(Line{3, kDue}, Line{4, kDue}, Line{1, kDue}, Line{2, kDue}));
  of_shop("2, 3", R"({"odd": {"days": 5}, "even": {"stale_days": 4}})");
  const std::vector<Line> expected{{3, kDue}, {4, kDue}, {1, kDue}, {5, kStale}};
  for (const std::size_t limit : {1U, 3U, 100U})
    EXPECT_EQ(all({.shop = ShopId{1}}, limit), expected);
  EXPECT_THAT(all({.shop = ShopId{1}, .category = "odd"}),
              ElementsAre(Line{3, kDue}, Line{1, kDue}, Line{5, kStale}));
  EXPECT_THAT(all({.shop = ShopId{1}, .category = "even"}), ElementsAre(Line{4, kDue}));
  EXPECT_THAT(all({.shop = ShopId{1}, .days = 0, .stale_days = 3}),
              ElementsAre(Line{5, kStale}, Line{6, kStale}));
  of_shop("2, 365", R"({"odd": {"days": 0, "stale_days": 1}, "it''s \"q\\": {"days": 7}})");
  EXPECT_THAT(all({.shop = ShopId{1}}), ElementsAre(Line{4, kDue}, Line{5, kStale}));
  const auto thresholds = storage_->read()->thresholds(ShopId{1});
  ASSERT_TRUE(thresholds);
  EXPECT_EQ(thresholds->categories.at("it's \"q\\").days, 7);
  EXPECT_FALSE(thresholds->categories.at("it's \"q\\").stale_days);
}

/// Thirty thousand readings in one shop, in which most rows of each index belong to another part.
class LongWorkList : public WorkListTest {
 protected:
  LongWorkList() {
    database_.run(R"sql(
      insert into products (gtin, name, category)
        select g, 'Tea ' || g, 'Category ' || g % 7 from generate_series(1001, 31000) g;
      insert into stock_readings (shop_id, gtin, expiry_date, looked_at, quantity, plain, lowest, present, version,
                                  observed_at, updated_at, received_at)
        select 1, g, case when g % 10 < 7 then current_date - 100 + g % 50 when g % 10 < 9 then current_date + 60 + g % 50 end,
               case when g % 3 = 0 then now() - interval '90 days' + g % 40 * interval '1 day' when g % 3 = 1 then now() end,
               1, case when g % 100 = 0 then 0 else 1 end, 0, g % 50 > 0 or g % 100 = 0, 1, now(), now(), now()
          from generate_series(1001, 31000) g;
      analyze;
    )sql");
  }

  /// The rows that a page reads from tables, and its faults.
  struct Cost {
    double rows{0};
    double buffers{0};
    std::vector<std::string> faults;
  };
  Cost cost_of(const WorkFilter& filter, std::size_t limit) {
    postgres::Query query{"explain (analyze, buffers, timing off, summary off) "};
    const auto shop = postgres::shop_today(*connection_, filter.shop);
    postgres::add_work_list(query, *shop, filter, limit);
    Cost cost;
    std::string line;
    bool of_readings = false;
    static const std::regex kRows{R"(actual rows=(\d+) loops=(\d+))"};
    static const std::regex kRemoved{R"(Rows Removed by [A-Za-z ]+: (\d+))"};
    static const std::regex kBuffers{R"(Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?)"};
    std::smatch found;
    for (const auto& row : query.run(*connection_)) {
      line = row[0].as<std::string>();
      if (std::regex_search(line, found, kRows)) {
        of_readings = line.find(" on stock_readings") != std::string::npos;
        if (line.find("Seq Scan on stock_readings") != std::string::npos ||
            line.find("Seq Scan on products") != std::string::npos)
          cost.faults.push_back(line);
        if (line.find("Sort ") != std::string::npos && std::stod(found[1]) > 1001)
          cost.faults.push_back(line);
        if (of_readings) cost.rows += std::stod(found[1]) * std::stod(found[2]);
      } else if (of_readings && std::regex_search(line, found, kRemoved)) {
        cost.rows += std::stod(found[1]);
      } else if (cost.buffers == 0 && std::regex_search(line, found, kBuffers)) {
        cost.buffers = (found[1].matched ? std::stod(found[1]) : 0) +
                       (found[2].matched ? std::stod(found[2]) : 0);
      }
    }
    return cost;
  }
};

TEST_F(LongWorkList, reads_a_limited_number_of_rows_from_indexes_for_each_page) {
  database_.run(R"sql(insert into shop_thresholds (shop_id, days, stale_days, categories)
    values (1, 3, 14, '{"Category 1": {"days": 300}, "Category 2": {"stale_days": 1}}'))sql");
  for (const WorkFilter& list :
       {WorkFilter{.shop = ShopId{1}}, WorkFilter{.shop = ShopId{1}, .days = 3, .stale_days = 14},
        WorkFilter{.shop = ShopId{1}, .category = "Category 3"},
        WorkFilter{.shop = ShopId{1}, .category = "none"}}) {
    auto filter = list;
    std::set<WorkPart> parts;
    std::size_t pages = 0;
    for (;; ++pages) {
      const auto page = storage_->read()->work_list(filter, kPageMax);
      ASSERT_TRUE(page);
      // The plan of a page depends on where it begins: those at the border of two parts, and
      // others.
      if (pages % 8 == 0 || !page->next || parts.insert(page->next->part).second) {
        for (const std::size_t limit : {1U, 100U, 1000U}) {
          // PostgreSQL can read the end of a range at once, and sort it, when it expects few rows.
          const auto rows_max = static_cast<double>(3 * std::max<std::size_t>(900, limit + 1));
          const auto cost = cost_of(filter, limit);
          EXPECT_THAT(cost.faults, IsEmpty());
          EXPECT_LE(cost.rows, rows_max) << "page " << pages;
          EXPECT_LT(cost.buffers, 4 * rows_max + 100) << "page " << pages;
        }
      }
      if (!page->next) break;
      filter.after = page->next;
    }
    EXPECT_GT(pages, 10U);
  }
}

TEST_F(LongWorkList, has_each_reading_once_in_its_pages) {
  const auto expected = database_.run(R"sql(
    select count(*) from stock_readings r, (select day_in('Pacific/Kiritimati', now()) as today) t
     where r.present and r.shop_id = 1 and (r.miscounted or r.expiry_date <= today + 3 or r.looked_at is null
           or day_in('Pacific/Kiritimati', r.looked_at) <= today - 14))sql");
  for (const std::size_t limit : {700U, 1000U}) {
    const auto lines = all({.shop = ShopId{1}}, limit);
    std::set<std::int64_t> gtins;
    for (const auto& line : lines) gtins.insert(line.first);
    EXPECT_EQ(gtins.size(), lines.size());
    EXPECT_EQ(std::to_string(lines.size()), expected);
    EXPECT_TRUE(std::ranges::is_sorted(lines, {}, &Line::second));
  }
}

}  // namespace
}  // namespace codasync::storage
