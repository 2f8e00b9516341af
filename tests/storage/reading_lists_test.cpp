#include <gmock/gmock.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "storage/make_storage.hpp"
#include "storage/postgres/readings_query.hpp"
#include "storage/reading_orders.hpp"
#include "tests/storage/many_readings.hpp"

// Every list of readings, over a million of them: its plan, its cost and its rows.

namespace codasync::storage {
namespace {

using rapidjson::Value;

constexpr ReadingOrder kOrders[] = {
    ReadingOrder::id,   ReadingOrder::expiry_date,           ReadingOrder::expiry_date_descending,
    ReadingOrder::name, ReadingOrder::updated_at_descending, ReadingOrder::checked_on,
    ReadingOrder::gtin};

const ShopId kSmall{1};
const ShopId kLarge{test::kManyShops};

std::chrono::sys_days today() { return std::chrono::floor<std::chrono::days>(now()); }
Instant some_days_ago() { return now() - std::chrono::days{30}; }

std::vector<Gtin> some_gtins(int count) {
  std::vector<Gtin> gtins;
  for (int i = 0; i < count; ++i)
    gtins.push_back(Gtin::from_number(9500000000000 + i * 131 % 20'000));
  return gtins;
}

/// Returns: all combinations of the filters besides shops and products.
std::vector<ReadingFilter> combinations() {
  std::vector<ReadingFilter> all;
  const std::optional<bool> flags[] = {std::nullopt, true, false};
  for (int bits = 0; bits < 16; ++bits) {
    ReadingFilter filter;
    if (bits & 1) filter.category = "Category 7";
    if (bits & 2) filter.expires_before = today() + std::chrono::days{30};
    if (bits & 4) filter.expires_after = today() - std::chrono::days{5};
    if (bits & 8) filter.not_checked_since = some_days_ago();
    for (const auto& expired : flags) {
      for (const auto& in_stock : flags) {
        for (const auto& available : flags) {
          filter.expired = expired;
          filter.in_stock = in_stock;
          filter.available = available;
          all.push_back(filter);
        }
      }
    }
  }
  return all;
}

int filters_of(const ReadingFilter& filter) {
  return filter.category.has_value() + filter.expires_before.has_value() +
         filter.expires_after.has_value() + filter.expired.has_value() +
         filter.in_stock.has_value() + filter.available.has_value() +
         filter.not_checked_since.has_value();
}

std::string text_of(const ReadingFilter& filter) {
  const auto flag = [](const std::optional<bool>& value) {
    return value ? *value ? "true" : "false" : "-";
  };
  return std::to_string(filter.shops.size()) + " shops, " + std::to_string(filter.gtins.size()) +
         " products, category " + filter.category.value_or("-") +
         (filter.expires_before ? ", before" : "") + (filter.expires_after ? ", after" : "") +
         ", expired " + flag(filter.expired) + ", in stock " + flag(filter.in_stock) +
         ", available " + flag(filter.available) +
         (filter.not_checked_since ? ", not checked" : "") + ", order " +
         std::to_string(static_cast<int>(filter.order)) + (filter.after ? ", continued" : "");
}

/// What the execution of a statement cost.
struct Cost {
  std::vector<std::string> faults;
  double buffers{0};
};

double number(const Value& node, const char* name) {
  return node.HasMember(name) ? node[name].GetDouble() : 0;
}

/// `rows_max`: of a table or a sort.
void examine(const Value& node, double rows_max, Cost& cost) {
  const std::string type = node["Node Type"].GetString();
  const std::string table =
      node.HasMember("Relation Name") ? node["Relation Name"].GetString() : "";
  const double loops = number(node, "Actual Loops");
  if (loops == 0) return;  // not executed
  const double rows =
      loops * (number(node, "Actual Rows") + number(node, "Rows Removed by Filter") +
               number(node, "Rows Removed by Index Recheck"));
  if (table != "shops" && type == "Seq Scan")
    cost.faults.push_back("a sequential scan of " + table);
  if (table == "stock_readings" || table == "products") {
    if (rows > rows_max)
      cost.faults.push_back(std::to_string(rows) + " rows of " + table + " are read by " + type);
  }
  if (type == "Sort" && rows > std::min(rows_max, 20'000.0))
    cost.faults.push_back(std::to_string(rows) + " rows are sorted");
  if (!node.HasMember("Plans")) return;
  for (const auto& child : node["Plans"].GetArray()) examine(child, rows_max, cost);
}

class ManyReadings : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    database_ = std::make_unique<test::TestDatabase>();
    test::add_many_readings(*database_);
    storage_ = make_database(database_->options());
    connection_ = std::make_unique<postgres::Connection>(database_->options());
  }
  static void TearDownTestSuite() {
    connection_.reset();
    storage_.reset();
    database_.reset();
  }

  static Cost cost_of(const ReadingFilter& filter, std::size_t limit) {
    postgres::Query query{"explain (analyze, buffers, timing off, summary off, format json) "};
    postgres::add_readings(query, filter, limit);
    const std::string text = query.run(*connection_)[0][0].c_str();
    rapidjson::Document plan;
    plan.Parse(text.data(), text.size());
    Cost cost;
    const auto& root = plan[0]["Plan"];
    // The only list that reads more: all changes of one day in one shop.
    constexpr double kADay = 1e6;
    examine(root, filter.order == ReadingOrder::updated_at_descending ? kADay : 1000, cost);
    cost.buffers = number(root, "Shared Hit Blocks") + number(root, "Shared Read Blocks");
    return cost;
  }

  static inline std::unique_ptr<test::TestDatabase> database_;
  static inline std::unique_ptr<Database> storage_;
  static inline std::unique_ptr<postgres::Connection> connection_;
};

TEST_F(ManyReadings, are_listed_from_an_index_that_stops_early_in_every_combination) {
  const std::vector<std::vector<ShopId>> shops{{}, {kLarge}, {kSmall, ShopId{77}, kLarge}};
  const std::vector<std::vector<Gtin>> gtins{{}, some_gtins(1), some_gtins(20)};
  int lists = 0;
  int refused = 0;
  int failed = 0;
  for (auto filter : combinations()) {
    for (const auto& of_shops : shops) {
      for (const auto& of_gtins : gtins) {
        filter.shops = of_shops;
        filter.gtins = of_gtins;
        // The scan of several shops or products is the same with more filters.
        if (!of_gtins.empty() && filters_of(filter) > 1) continue;
        if (of_shops.size() > 1 && filters_of(filter) > 2) continue;
        const auto possible = orders_of(filter);
        ASSERT_FALSE(possible.empty());
        for (const auto order : kOrders) {
          filter.order = order;
          filter.after.reset();
          if (std::ranges::find(possible, order) == possible.end()) {
            ++refused;
            continue;
          }
          ++lists;
          const auto cost = cost_of(filter, 100);
          EXPECT_THAT(cost.faults, testing::IsEmpty()) << text_of(filter);
          if (!cost.faults.empty()) ++failed;
          ASSERT_LT(failed, 10);
        }
      }
    }
  }
  RecordProperty("lists", lists);
  RecordProperty("refused", refused);
  EXPECT_GT(lists, 1000);
}

/// Whether a reading belongs to a list, stated a second time.
bool belongs(const ReadingFilter& filter, const Reading& reading,
             const std::map<Gtin, std::string>& categories) {
  const auto is = [](const std::optional<bool>& wanted, bool value) {
    return !wanted || *wanted == value;
  };
  return (!filter.category || categories.at(reading.gtin) == *filter.category) &&
         (!filter.expires_before ||
          (reading.date && reading.date->date < *filter.expires_before)) &&
         (!filter.expires_after || (reading.date && reading.date->date > *filter.expires_after)) &&
         (!filter.not_checked_since ||
          (reading.checked_at && *reading.checked_at < *filter.not_checked_since)) &&
         is(filter.expired, reading.expired) && is(filter.in_stock, reading.quantity != 0) &&
         is(filter.available, reading.available());
}

bool before(ReadingOrder order, const Reading& a, const Reading& b) {
  const auto day = [](const Reading& reading) {
    return std::chrono::floor<std::chrono::days>(*reading.checked_at);
  };
  switch (order) {
    case ReadingOrder::id:
      return a.id < b.id;
    case ReadingOrder::expiry_date:
    case ReadingOrder::expiry_date_descending: {
      if (!a.date || !b.date)
        return a.date                               ? true
               : b.date                             ? false
               : order == ReadingOrder::expiry_date ? a.id < b.id
                                                    : b.id < a.id;
      const auto key = [](const Reading& reading) {
        return std::pair{reading.date->date, reading.id};
      };
      return order == ReadingOrder::expiry_date ? key(a) < key(b) : key(b) < key(a);
    }
    case ReadingOrder::updated_at_descending:
      return std::pair{b.updated_at, b.id} < std::pair{a.updated_at, a.id};
    case ReadingOrder::checked_on:
      return std::pair{day(a), a.id} < std::pair{day(b), b.id};
    case ReadingOrder::name:  // the names are ASCII but one; "Äpfel" is "apfel"
    case ReadingOrder::gtin:
      return true;
  }
  __builtin_unreachable();
}

TEST_F(ManyReadings, are_each_in_the_pages_of_a_list_once_and_in_order) {
  const auto reader = storage_->read();
  std::map<Gtin, std::string> categories;
  ProductFilter products;
  for (bool more = true; more;) {
    const auto page = reader->products(products, kPageMax);
    for (const auto& product : page.rows) categories[product.gtin] = product.category.value();
    products.after = ProductCursor{page.rows.back().gtin};
    more = page.more;
  }
  auto filters = combinations();
  std::mt19937 random{20261129};  // NOLINT: the same lists in each run
  std::ranges::shuffle(filters, random);
  filters.resize(6);
  const auto pages_of = [&](ReadingFilter filter, std::size_t limit) {
    std::vector<Reading> rows;
    for (int pages = 0; pages < 200; ++pages) {
      auto page = reader->readings(filter, limit);
      rows.insert(rows.end(), page.rows.begin(), page.rows.end());
      if (!page.next) return rows;
      filter.after = page.next;
    }
    ADD_FAILURE() << "the pages do not end: " << text_of(filter);
    return rows;
  };
  for (const auto shop : {kSmall, ShopId{70}}) {
    const auto whole = pages_of({.shops = {shop}}, kPageMax);
    for (auto filter : filters) {
      filter.shops = {shop};
      std::set<ReadingId> expected;
      for (const auto& reading : whole) {
        if (belongs(filter, reading, categories)) expected.insert(reading.id);
      }
      if (whole.size() <= kCountedMax) {
        EXPECT_EQ(reader->count_readings(filter), expected.size()) << text_of(filter);
      }
      for (const auto order : orders_of(filter)) {
        filter.order = order;
        const auto rows = pages_of(filter, 700);
        std::set<ReadingId> found;
        for (const auto& reading : rows) found.insert(reading.id);
        EXPECT_EQ(found.size(), rows.size()) << text_of(filter);
        EXPECT_EQ(found, expected) << text_of(filter);
        for (std::size_t i = 1; i < rows.size(); ++i)
          ASSERT_TRUE(before(order, rows[i - 1], rows[i])) << text_of(filter);
      }
    }
  }
}

TEST_F(ManyReadings, are_counted_up_to_a_limit) {
  const auto reader = storage_->read();
  EXPECT_FALSE(reader->count_readings({}));
  EXPECT_EQ(std::to_string(reader->count_readings({.shops = {kLarge}}).value()),
            database_->run("select count(*) from stock_readings where present and shop_id = " +
                           std::to_string(kLarge.value())));
  EXPECT_FALSE(reader->count_products({}));
  EXPECT_EQ(std::to_string(reader->count_products({.category = "Category 7"}).value()),
            database_->run("select count(*) from products where category = 'Category 7'"));
  for (auto filter : combinations()) {
    if (filters_of(filter) > 2) continue;
    for (const auto& shops : {std::vector<ShopId>{}, {kLarge}, {kSmall, kLarge}}) {
      filter.shops = shops;
      postgres::Query query{"explain (analyze, timing off, summary off, format json) "};
      postgres::add_count(query, filter, kCountedMax);
      rapidjson::Document plan;
      plan.Parse(query.run(*connection_)[0][0].c_str());
      Cost cost;
      // A set that is little larger than the limit is cheaper to read as a whole than in order.
      examine(plan[0]["Plan"], 2 * kCountedMax, cost);
      EXPECT_THAT(cost.faults, testing::IsEmpty()) << text_of(filter);
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_F(ManyReadings, cost_the_same_on_the_first_and_on_the_thousandth_page) {
  const auto reader = storage_->read();
  std::vector<ReadingFilter> lists;
  for (const auto order : {ReadingOrder::id, ReadingOrder::expiry_date,
                           ReadingOrder::expiry_date_descending, ReadingOrder::name}) {
    lists.push_back({.order = order});
    lists.push_back({.available = true, .order = order});
    lists.push_back({.shops = {kLarge}, .order = order});
    lists.push_back({.shops = {kLarge, ShopId{199}, ShopId{198}}, .order = order});
  }
  lists.push_back({.in_stock = false, .order = ReadingOrder::id});
  lists.push_back({.shops = {kLarge}, .order = ReadingOrder::updated_at_descending});
  lists.push_back({.not_checked_since = now(), .order = ReadingOrder::checked_on});
  for (auto& filter : lists) {
    const std::size_t limit = filter.shops.size() == 1 ? 5 : 10;
    const auto first = cost_of(filter, limit);
    for (int page = 1; page < 1000;) {
      // Pages of the tested size would take long: ten of them at once.
      const auto ten = reader->readings(filter, 10 * limit);
      ASSERT_TRUE(ten.next) << text_of(filter);
      filter.after = ten.next;
      page += 10;
    }
    const auto last = cost_of(filter, limit);
    EXPECT_LT(last.buffers, 1.5 * first.buffers + 60) << first.buffers << ", " << text_of(filter);
  }
}

}  // namespace
}  // namespace codasync::storage
