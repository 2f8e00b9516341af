#include "storage/reader.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "storage/make_storage.hpp"
#include "storage/reading_orders.hpp"
#include "tests/support/database.hpp"

namespace codasync::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Three shops and forty products; readings of ten products in shop 1 and of twenty in shop 2, many
/// with equal dates, some without a date.
class ReaderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    database_ = std::make_unique<test::TestDatabase>();
    database_->run(R"sql(
      insert into shops (name, time_zone) values
        ('North', 'UTC'), ('Kiritimati', 'Pacific/Kiritimati'), ('Closed', 'UTC');
      update shops set removed_at = now() where name = 'Closed';
      insert into products (gtin, name, brand, category)
        select g, 'Tea ' || g % 7, case when g % 2 = 0 then 'Leaf 100%' end,
               case when g % 3 = 0 then 'hot' else 'cold' end from generate_series(1, 40) g;
      update products set removed_at = now() where gtin = 40;
      insert into stock_readings (shop_id, gtin, expiry_date, quantity, plain, lowest, present, version, observed_at,
                                  updated_at, looked_at, received_at)
        select case when g <= 10 then 1 else 2 end, g,
               case when g % 4 > 0 then date '2030-01-01' + g % 3 end, n, n, n, g <> 30, 1, t, t, t, t
        from generate_series(1, 30) g, lateral (select timestamptz '2026-01-01Z' + g / 3 * interval '1 s',
                                           case when g % 5 > 0 then greatest(g - 6, 0) end) as at (t, n);
      insert into tokens (name, role, shops, hash, expires_at, revoked_at) values
        ('good', 'staff', '{1,2}', sha256('good'), '2999-01-01', null),
        ('old', 'staff', null, sha256('old'), '2000-01-01', null),
        ('gone', 'admin', null, sha256('gone'), null, now());
    )sql");
    storage_ = make_database(database_->options());
  }
  static void TearDownTestSuite() {
    storage_.reset();
    database_.reset();
  }

  static TokenHash hash_of(const std::string& secret) {
    TokenHash hash{};
    const std::string hex = database_->run("select encode(sha256('" + secret + "'), 'hex')");
    for (std::size_t i = 0; i < hash.size(); ++i) {
      hash[i] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
    }
    return hash;
  }

  /// Follows the cursors from page to page.
  std::vector<Reading> all(ReadingFilter filter, std::size_t limit) {
    std::vector<Reading> rows;
    for (int pages = 0; pages < 100; ++pages) {
      const auto page = reader_->readings(filter, limit);
      rows.insert(rows.end(), page.rows.begin(), page.rows.end());
      if (!page.next) return rows;
      filter.after = page.next;
    }
    ADD_FAILURE() << "the pages do not end";
    return rows;
  }

  static ReadingFilter in(const std::optional<ShopId>& shop, ReadingOrder order) {
    ReadingFilter filter{.order = order};
    if (shop) filter.shops = {*shop};
    return filter;
  }

  std::optional<ReadingRow> reading_row(ShopId shop, Gtin gtin) {
    const storage::ReadingKey key{shop, gtin};
    const auto rows = reader_->rows({.readings = {key}}).readings;
    const auto found = rows.find(key);
    return found == rows.end() ? std::nullopt : std::optional{found->second};
  }
  std::set<std::int64_t> gtins(ReadingFilter filter) {
    filter.order = orders_of(filter).front();
    std::set<std::int64_t> found;
    for (const Reading& reading : reader_->readings(filter, kPageMax).rows) {
      found.insert(reading.gtin.number());
    }
    return found;
  }

  static inline std::unique_ptr<test::TestDatabase> database_;
  static inline std::unique_ptr<Database> storage_;
  std::unique_ptr<Reader> reader_ = storage_->read();
};

TEST_F(ReaderTest, pages_cover_every_reading_once_in_every_order) {
  for (const ReadingOrder order :
       {ReadingOrder::id, ReadingOrder::expiry_date, ReadingOrder::expiry_date_descending,
        ReadingOrder::name, ReadingOrder::updated_at_descending}) {
    for (const auto& shop : {std::optional<ShopId>{}, std::optional{ShopId{2}}}) {
      if (order == ReadingOrder::updated_at_descending && !shop) continue;
      const auto whole = all(in(shop, order), kPageMax);
      EXPECT_EQ(whole.size(), shop ? 19U : 29U);
      for (const std::size_t limit : {1U, 3U, 10U, 29U}) {
        const auto paged = all(in(shop, order), limit);
        const bool same = std::equal(whole.begin(), whole.end(), paged.begin(), paged.end(),
                                     [](const auto& a, const auto& b) { return a.id == b.id; });
        EXPECT_TRUE(same) << "order " << static_cast<int>(order) << ", limit " << limit;
      }
    }
  }
}

TEST_F(ReaderTest, unknown_dates_are_last_in_both_directions) {
  for (const bool descending : {false, true}) {
    const auto rows = all(
        {.order = descending ? ReadingOrder::expiry_date_descending : ReadingOrder::expiry_date},
        4);
    const auto before = [&](const Reading& a, const Reading& b) {
      if (!a.date || !b.date) return a.date && !b.date;
      return descending ? a.date->date > b.date->date : a.date->date < b.date->date;
    };
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(), before));
    EXPECT_FALSE(rows.back().date);
  }
}

TEST_F(ReaderTest, names_that_are_equal_are_sorted_by_gtin_and_shop) {
  const auto rows = all({.order = ReadingOrder::name}, 5);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::tuple{a.name, a.gtin, a.shop} < std::tuple{b.name, b.gtin, b.shop};
  }));
}

TEST_F(ReaderTest, filters_select_the_right_readings) {
  const auto whole = reader_->readings({}, kPageMax).rows;
  const auto which = [&](const auto& predicate) {
    std::set<std::int64_t> found;
    for (const auto& reading : whole) {
      if (predicate(reading)) found.insert(reading.gtin.number());
    }
    EXPECT_FALSE(found.empty());
    return found;
  };
  const Date day = *parse_date("2030-01-02");
  const Instant moment = *parse_instant("2026-01-01T00:00:05Z");
  EXPECT_EQ(gtins({.expires_before = day}),
            which([&](const auto& r) { return r.date && r.date->date < day; }));
  EXPECT_EQ(gtins({.expires_after = day}),
            which([&](const auto& r) { return r.date && r.date->date > day; }));
  EXPECT_EQ(gtins({.in_stock = true}), which([](const auto& r) { return r.quantity != 0; }));
  EXPECT_EQ(gtins({.in_stock = false}), which([](const auto& r) { return r.quantity == 0; }));
  EXPECT_EQ(gtins({.not_checked_since = moment}),
            which([&](const auto& r) { return r.checked_at < moment; }));
  EXPECT_EQ(gtins({.category = "hot"}),
            which([](const auto& r) { return r.gtin.number() % 3 == 0; }));
  EXPECT_EQ(gtins({.gtins = {Gtin::from_number(7)}}), std::set<std::int64_t>{7});
}

TEST_F(ReaderTest, expired_means_before_today_in_the_shops_time_zone) {
  // Kiritimati is 14 hours ahead of UTC: a product that is good until today in UTC can be expired
  // there, but not the other way round.
  database_->run(R"sql(
    insert into products (gtin, name) values (101, 'today there'), (102, 'yesterday there'), (103, 'yesterday here');
    insert into stock_readings (shop_id, gtin, expiry_date, present, version, observed_at, updated_at, looked_at, received_at)
    values (2, 101, (now() at time zone 'Pacific/Kiritimati')::date, true, 1, now(), now(), now(), now()),
           (2, 102, (now() at time zone 'Pacific/Kiritimati')::date - 1, true, 1, now(), now(), now(), now()),
           (1, 103, (now() at time zone 'UTC')::date - 1, true, 1, now(), now(), now(), now());)sql");
  EXPECT_EQ(gtins({.expired = true}), (std::set<std::int64_t>{102, 103}));
  auto others = gtins({});
  for (const std::int64_t expired : {102, 103}) others.erase(expired);
  EXPECT_EQ(gtins({.expired = false}), others) << "with undated readings";
  database_->run(
      "delete from stock_readings where gtin > 100; delete from products where gtin > 100");
}

TEST_F(ReaderTest, a_day_ends_when_the_clock_of_its_zone_first_shows_the_next_day) {
  // Every day of three years in every zone, also where clocks change at midnight.
  EXPECT_EQ(database_->run(R"sql(
      select string_agg(z.name || ' ' || d.day::date, ', ') from
        (select name, generate_series(timestamp '2026-01-01', '2028-12-31', '1 day') as day from pg_timezone_names) as d (name, day)
        join pg_timezone_names z using (name), end_of_day(d.day::date, z.name) as ends_at
       where (ends_at at time zone z.name)::date <= d.day::date
          or ((ends_at - interval '1 us') at time zone z.name)::date > d.day::date)sql"),
            "");
  const auto ends = [&](const std::string& day, const std::string& zone) {
    return database_->run("select end_of_day(date '" + day + "', '" + zone +
                          "') at time zone 'UTC'");
  };
  EXPECT_EQ(ends("2026-10-24", "Atlantic/Azores"), "2026-10-25 00:00:00") << "midnight comes twice";
  EXPECT_EQ(ends("2027-03-27", "Atlantic/Azores"), "2027-03-28 01:00:00") << "there is no midnight";
  EXPECT_EQ(ends("2026-10-24", "No/Such"), "2026-10-25 00:00:00");
  EXPECT_EQ(database_->run("select day_in('No/Such', timestamptz '2026-10-24 23:59:59.9Z')"),
            "2026-10-24");
}

TEST_F(ReaderTest, expired_and_available_agree_with_their_filters) {
  database_->run(R"sql(
    insert into shops (name, time_zone) values ('Gone zone', 'No/Such'), ('Pago Pago', 'Pacific/Pago_Pago');
    insert into products (gtin, name) select 200 + i, 'p' from generate_series(0, 99) i;
    insert into stock_readings (shop_id, gtin, expiry_date, quantity, plain, lowest, present, version, observed_at,
                                updated_at, looked_at, received_at)
      select s.id, 200 + i, now()::date - 3 + i % 6, q, q, q, true, 1, now(), now(), now(), now()
        from shops s, generate_series(0, 29) i, lateral (select (array[null, 0, 5])[1 + i % 3] as q) as quantity
       where s.removed_at is null;)sql");
  const auto whole = reader_->readings({}, kPageMax).rows;
  const auto ids_where = [&](const auto& condition) {
    std::set<ReadingId> ids;
    for (const auto& reading : whole)
      if (condition(reading)) ids.insert(reading.id);
    return ids;
  };
  const auto found = [&](ReadingFilter filter) {
    const auto possible = orders_of(filter);
    if (std::ranges::find(possible, filter.order) == possible.end())
      filter.order = possible.front();
    std::set<ReadingId> ids;
    for (const auto& reading : reader_->readings(filter, kPageMax).rows) ids.insert(reading.id);
    return ids;
  };
  for (const bool is : {true, false}) {
    const auto expired = ids_where([&](const auto& r) { return r.expired == is; });
    const auto available = ids_where([&](const auto& r) { return r.available() == is; });
    EXPECT_GT(expired.size(), 20U);
    EXPECT_GT(available.size(), 20U);
    EXPECT_EQ(found({.expired = is}), expired);
    EXPECT_EQ(found({.available = is}), available);
    for (const auto order : {ReadingOrder::expiry_date, ReadingOrder::name})
      EXPECT_EQ(found({.available = is, .order = order}), available);
  }
  const auto now_there = Instant{
      std::chrono::microseconds{std::stoll(database_->run("select micros_of(clock_timestamp())"))}};
  for (const auto& reading : whole) {
    if (!reading.date || reading.expired) {
      EXPECT_FALSE(reading.expires_at);
    } else {
      EXPECT_GT(reading.expires_at, now_there);
    }
    const auto row = reading_row(reading.shop, reading.gtin).value();
    EXPECT_EQ(row.expires_at, reading.expires_at);
    EXPECT_EQ(row.expired, reading.expired);
  }
  EXPECT_EQ(reader_->day_ends_at(ShopId{1}),
            std::chrono::ceil<std::chrono::days>(now_there + std::chrono::microseconds{1}));
  EXPECT_FALSE(reader_->day_ends_at(ShopId{999}));
  database_->run(
      "delete from stock_readings where gtin >= 200; delete from products where gtin >= 200;"
      "delete from shops where id > 3");
}

// A block with an exception handler cannot run in a parallel query.
TEST_F(ReaderTest, lists_of_expired_readings_work_when_the_server_prefers_parallel_plans) {
  auto options = database_->options();
  database_->run("alter database " + database_->name() + " set force_parallel_mode = on");
  const auto storage = make_database(options);
  EXPECT_NO_THROW(
      storage->read()->readings({.expired = true, .order = ReadingOrder::expiry_date}, kPageMax));
  EXPECT_NO_THROW(storage->read()->readings({.available = false}, kPageMax));
  EXPECT_NO_THROW(storage->read()->expired_by_shop(10));
  database_->run("alter database " + database_->name() + " reset force_parallel_mode");
}

TEST_F(ReaderTest, removed_rows_are_absent) {
  EXPECT_FALSE(reading_row(ShopId{2}, Gtin::from_number(30)));
  EXPECT_TRUE(reader_->rows({.shops = {ShopId{3}}}).shops.empty());
  EXPECT_FALSE(reader_->product(Gtin::from_number(40)));
  EXPECT_EQ(reader_->shops({}, 10).rows.size(), 2U);
  const auto id = database_->run("select id from stock_readings where gtin = 30");
  const ReadingId removed{std::stoll(id)};
  const auto keys = reader_->reading_keys({removed});
  ASSERT_TRUE(keys.contains(removed)) << "the keys of a removed reading are still available";
  EXPECT_EQ(keys.at(removed).gtin.number(), 30);
}

TEST_F(ReaderTest, returns_shop_and_product_of_many_readings) {
  const auto of = [](std::int64_t gtin) {
    return ReadingId{std::stoll(database_->run(
        "select id from stock_readings where shop_id = 1 and gtin = " + std::to_string(gtin)))};
  };
  const auto keys = reader_->reading_keys({of(7), of(6), of(7), ReadingId{999'999'999}});
  ASSERT_EQ(keys.size(), 2U) << "an id without a reading is left out";
  EXPECT_EQ(keys.at(of(7)).gtin.number(), 7);
  EXPECT_EQ(keys.at(of(6)).shop, ShopId{1});
  EXPECT_TRUE(reader_->reading_keys({}).empty());
}

TEST_F(ReaderTest, reads_rows_of_all_tables_by_their_keys) {
  const auto gtin = [](std::int64_t number) { return Gtin::from_number(number); };
  // Of each table one that exists, one that was removed or closed, and one that is unknown.
  const auto rows = reader_->rows(
      {{ShopId{1}, ShopId{3}, ShopId{99}},
       {gtin(7), gtin(40), gtin(99)},
       {{ShopId{1}, gtin(7)}, {ShopId{2}, gtin(30)}, {ShopId{2}, gtin(7)}, {ShopId{2}, gtin(12)}}});
  ASSERT_EQ(rows.shops.size(), 1U);
  EXPECT_EQ(rows.shops.at(ShopId{1}).name, "North");
  ASSERT_EQ(rows.products.size(), 1U);
  EXPECT_EQ(rows.products.at(gtin(7)).name, reader_->product(gtin(7))->name);
  ASSERT_EQ(rows.readings.size(), 2U);
  for (const auto& [key, row] : rows.readings) {
    const auto page = reader_->readings({.shops = {key.shop}, .gtins = {key.gtin}}, 1).rows;
    ASSERT_EQ(page.size(), 1U);
    const auto& reading = page[0];
    EXPECT_EQ(row.id, reading.id);
    EXPECT_EQ(row.date.has_value(), reading.date.has_value());
    EXPECT_EQ(row.quantity, reading.quantity);
    EXPECT_EQ(row.version, reading.version);
    EXPECT_EQ(row.checked_at, reading.checked_at);
    EXPECT_EQ(row.counted_at, reading.counted_at);
    EXPECT_EQ(row.expires_at, reading.expires_at);
    EXPECT_EQ(row.expired, reading.expired);
  }
  const auto nothing = reader_->rows({});
  EXPECT_TRUE(nothing.shops.empty() && nothing.products.empty() && nothing.readings.empty());
}

TEST_F(ReaderTest, filters_by_several_shops_and_products) {
  const auto gtin = [](std::int64_t number) { return Gtin::from_number(number); };
  EXPECT_EQ(gtins({.gtins = {gtin(3), gtin(12), gtin(99)}}), (std::set<std::int64_t>{3, 12}));
  EXPECT_EQ(gtins({.shops = {ShopId{1}, ShopId{2}}}), gtins({}));
  EXPECT_EQ(gtins({.shops = {ShopId{1}, ShopId{99}}}), gtins({.shops = {ShopId{1}}}));
  EXPECT_EQ(gtins({.shops = {ShopId{1}, ShopId{2}}, .gtins = {gtin(3), gtin(12)}}),
            (std::set<std::int64_t>{3, 12}));
  const auto products = reader_->products({.gtins = {gtin(12), gtin(3), gtin(40)}}, 10).rows;
  ASSERT_EQ(products.size(), 2U);
  EXPECT_EQ(products[0].gtin, gtin(3));
}

TEST_F(ReaderTest, reads_all_fields_of_a_row) {
  const auto page =
      reader_->readings({.shops = {ShopId{1}}, .gtins = {Gtin::from_number(7)}}, 1).rows;
  ASSERT_EQ(page.size(), 1U);
  const auto* const reading = page.data();
  EXPECT_EQ(reading->name, "Tea 0");
  EXPECT_EQ(reading->product_version, 1);
  EXPECT_EQ(reading->date, (ShelfDate{*parse_date("2030-01-02"), std::nullopt}));
  EXPECT_EQ(reading->quantity, 1);
  EXPECT_EQ(to_string(reading->observed_at), "2026-01-01T00:00:02Z");
  const auto product = reader_->product(Gtin::from_number(6));
  ASSERT_TRUE(product);
  EXPECT_EQ(product->brand, "Leaf 100%");
  EXPECT_EQ(product->category, "hot");
}

TEST_F(ReaderTest, words_find_products_by_name_or_brand_without_wildcards) {
  const auto count = [&](std::vector<std::string> words) {
    return reader_->products({.words = std::move(words)}, kPageMax).rows.size();
  };
  EXPECT_EQ(count({"tea"}), 39U);
  EXPECT_EQ(count({"TEA 3", "leaf"}), 3U);
  EXPECT_EQ(count({"100%"}), 19U);
  EXPECT_EQ(count({"1%0"}), 0U);
  EXPECT_EQ(count({"T_a"}), 0U);
  EXPECT_EQ(count({"\\"}), 0U);
  EXPECT_EQ(count({"'; drop table products; --"}), 0U);
  EXPECT_EQ(count({}), 39U);
}

TEST_F(ReaderTest, pages_of_products_are_in_the_order_of_their_numbers) {
  const auto page = reader_->products({.after = ProductCursor{Gtin::from_number(37)}}, 1);
  ASSERT_EQ(page.rows.size(), 1U);
  EXPECT_EQ(page.rows[0].gtin.number(), 38);
  EXPECT_TRUE(page.more);
}

TEST_F(ReaderTest, products_are_sorted_by_name_without_regard_to_case_and_accents) {
  database_->run(
      "insert into products (gtin, name, brand) values (211, 'äpfel', 'X'), (212, 'Apfel', 'X'),"
      " (213, 'Zucker', 'X'), (214, 'APFEL', 'X'), (215, 'Birne', 'Y')");
  const auto names = [&](ProductFilter filter) {
    filter.order = ProductOrder::name;
    std::vector<std::int64_t> found;
    for (int pages = 0; pages < 10; ++pages) {
      const auto page = reader_->products(filter, 2);
      for (const auto& product : page.rows) found.push_back(product.gtin.number());
      if (!page.more) return found;
      filter.after = ProductCursor{page.rows.back().gtin, page.rows.back().name};
    }
    ADD_FAILURE() << "the pages do not end";
    return found;
  };
  EXPECT_THAT(names({.brand = "X"}), ElementsAre(211, 212, 214, 213));
  EXPECT_THAT(names({.words = {"apf"}}), ElementsAre(211, 212, 214));
  EXPECT_EQ(names({.category = "hot"}).size(), 13U);
  database_->run(
      "update products set removed_at = now() where gtin > 200; delete from products where gtin > "
      "200");
}

TEST_F(ReaderTest, short_words_are_found_at_the_beginning_of_words) {
  database_->run(
      "insert into products (gtin, name) values (221, 'Öl'), (222, 'Gemüse'), (223, 'Erdöl')");
  const auto found = [&](const std::string& word) {
    std::set<std::int64_t> gtins;
    for (const auto& product : reader_->products({.words = {word}}, 10).rows)
      gtins.insert(product.gtin.number());
    return gtins;
  };
  EXPECT_EQ(found("öl"), (std::set<std::int64_t>{221})) << "two characters, three bytes";
  EXPECT_EQ(found("ü"), std::set<std::int64_t>{});
  EXPECT_EQ(found("müs"), std::set<std::int64_t>{222});
  database_->run("delete from products where gtin > 200");
}

TEST_F(ReaderTest, groups_of_products_are_counted_with_each_change) {
  const auto groups = [&](ProductGroupKind kind, std::optional<std::string> after = {}) {
    std::vector<std::pair<std::string, std::int64_t>> found;
    for (int pages = 0; pages < 10; ++pages) {
      const auto page = reader_->product_groups(kind, after, 1);
      for (const auto& group : page.rows) found.emplace_back(group.name, group.products);
      if (!page.more) break;
      after = page.rows.back().name;
    }
    return found;
  };
  using testing::Pair;
  constexpr auto category = ProductGroupKind::category;
  EXPECT_THAT(groups(category), ElementsAre(Pair("cold", 26), Pair("hot", 13)));
  EXPECT_THAT(groups(ProductGroupKind::brand), ElementsAre(Pair("Leaf 100%", 19)))
      << "the removed product does not count";
  database_->run(
      "insert into products (gtin, name, category) values (231, 'a', 'Öko'), (232, 'b', 'Öko'), "
      "(233, 'c', null);"
      "update products set category = 'hot' where gtin = 1;"
      "update products set removed_at = now() where gtin = 232;"
      "update products set name = 'c2' where gtin = 233;"
      "insert into products (gtin, name, category) values (232, 'b', 'Zoo'), (234, 'd', 'zoo')"
      " on conflict (gtin) do update set category = excluded.category, removed_at = null");
  EXPECT_THAT(groups(category), ElementsAre(Pair("cold", 25), Pair("hot", 14), Pair("Öko", 1),
                                            Pair("Zoo", 1), Pair("zoo", 1)));
  EXPECT_THAT(groups(category, "oko"), ElementsAre(Pair("Öko", 1), Pair("Zoo", 1), Pair("zoo", 1)));
  database_->run(
      "update products set category = 'cold' where gtin = 1;"
      "update products set removed_at = now() where gtin > 200");
  EXPECT_THAT(groups(category), ElementsAre(Pair("cold", 26), Pair("hot", 13)));
  database_->run("delete from products where gtin > 200");
}

TEST_F(ReaderTest, finds_valid_tokens_only) {
  const auto good = reader_->token(hash_of("good"));
  ASSERT_TRUE(good);
  EXPECT_THAT(good->shops, ElementsAre(ShopId{1}, ShopId{2}));
  EXPECT_EQ(good->role, Role::staff);
  const auto old = reader_->token(hash_of("old"));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().why, TokenRefusal::expired);
  EXPECT_EQ(old.error().id, TokenId{2});
  const auto gone = reader_->token(hash_of("gone"));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().why, TokenRefusal::revoked);
  const auto none = reader_->token(hash_of("none"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().why, TokenRefusal::unknown);
  EXPECT_EQ(none.error().id, std::nullopt);
}

TEST_F(ReaderTest, finds_the_valid_ones_of_many_tokens) {
  const auto good = hash_of("good");
  EXPECT_THAT(reader_->valid_tokens({hash_of("old"), good, hash_of("gone"), hash_of("none")}),
              ElementsAre(good));
  EXPECT_THAT(reader_->valid_tokens({}), IsEmpty());
}

TEST_F(ReaderTest, follows_several_positions_of_the_feed_at_once) {
  using Phase = FeedCursor::Phase;
  const auto position = [this](ShopId shop) {
    const auto page = reader_->changes(shop, std::nullopt, kPageMax);
    return FeedCursor{page->epoch, shop, Phase::changes, page->next.transaction, ReadingId{0}};
  };
  const auto north = position(ShopId{1});
  const auto kiritimati = position(ShopId{2});
  auto closed = north;
  closed.shop = ShopId{3};
  auto restored = north;
  ++restored.epoch;
  // The readings 1, 2 and 1 again, in shop 1, and a removed one of shop 2.
  for (const auto* reading : {"1", "2", "1"})
    database_->run("insert into changes (shop_id, reading_id) values (1, " + std::string{reading} +
                   ")");
  database_->run("insert into changes (shop_id, reading_id) values (2, 30)");

  auto round = reader_->follow({north, kiritimati, closed, restored, north}, 2);
  ASSERT_EQ(round.each.size(), 5U);
  const auto ids = [](const FeedContinuation& found) {
    std::vector<std::int64_t> numbers;
    for (const auto& placed : found.changes) numbers.push_back(placed.change.reading.id.value());
    return numbers;
  };
  EXPECT_THAT(ids(round.each[0]), ElementsAre(1, 2));
  EXPECT_TRUE(round.each[0].more);
  EXPECT_EQ(round.each[0].next.transaction, round.each[0].changes[1].transaction);
  EXPECT_EQ(round.each[0].next.reading, ReadingId{2});
  EXPECT_EQ(ids(round.each[4]), ids(round.each[0]));

  EXPECT_THAT(ids(round.each[1]), ElementsAre(30));
  EXPECT_TRUE(round.each[1].changes[0].change.removed);
  EXPECT_FALSE(round.each[1].more);
  EXPECT_EQ(round.each[1].next.transaction, round.horizon.horizon);

  EXPECT_FALSE(round.each[2].shop_exists);
  EXPECT_TRUE(round.each[1].shop_exists);
  EXPECT_TRUE(round.each[3].resync_needed);
  EXPECT_EQ(round.each[3].next.epoch, north.epoch);
  EXPECT_THAT(ids(round.each[3]), IsEmpty());

  round = reader_->follow({round.each[0].next, round.each[1].next}, 10);
  EXPECT_THAT(ids(round.each[0]), ElementsAre(1));
  EXPECT_THAT(ids(round.each[1]), IsEmpty());
  // Each reading once, at its last change.
  round = reader_->follow({north}, 10);
  EXPECT_THAT(ids(round.each[0]), ElementsAre(2, 1));
  EXPECT_EQ(reader_->follow({}, 10).each.size(), 0U);
}

TEST_F(ReaderTest, has_time_zones_by_their_exact_names) {
  EXPECT_TRUE(reader_->has_time_zone("Europe/Berlin"));
  EXPECT_FALSE(reader_->has_time_zone("europe/berlin"));
  EXPECT_FALSE(reader_->has_time_zone("UTC+3; select"));
  for (const auto* odd : {"Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham",
                          "America/St_Johns", "Pacific/Kiritimati", "Etc/GMT+12", "UTC"})
    EXPECT_TRUE(reader_->has_time_zone(odd)) << odd;
  for (const auto* none : {"Factory", "localtime", "posixrules", "posix/Europe/Berlin",
                           "right/Europe/Berlin", "posix/UTC", "", "+05:45", "CEST"})
    EXPECT_FALSE(reader_->has_time_zone(none)) << none;
}

// An upgrade of the system's zones can remove the zone of a shop.
TEST(UnknownTimeZone, of_one_shop_counts_as_utc_and_breaks_no_list) {
  const test::TestDatabase database;
  database.run(R"sql(
    insert into shops (name, time_zone) values ('North', 'UTC'), ('Lost', 'Mars/Olympus');
    insert into products (gtin, name) select g, 'Tea' from generate_series(1, 2) g;
    insert into stock_readings (shop_id, gtin, expiry_date, present, version, observed_at, updated_at, received_at)
      select s, g, (now() at time zone 'UTC')::date - 2 + g, true, 1, now(), now(), now()
      from generate_series(1, 2) s, generate_series(1, 2) g;
  )sql");
  const auto storage = make_database(database.options());
  for (const bool expired : {true, false}) {
    const auto order = ReadingOrder::expiry_date;
    EXPECT_EQ(storage->read()->readings({.expired = expired, .order = order}, 10).rows.size(), 2U);
    EXPECT_EQ(storage->read()
                  ->readings({.shops = {ShopId{2}}, .expired = expired, .order = order}, 10)
                  .rows.size(),
              1U);
  }
  const auto counts = storage->read()->expired_by_shop(10);
  ASSERT_EQ(counts.size(), 2U);
  for (const auto& count : counts) EXPECT_EQ(count.readings, 1);
}

TEST(ExpiredByShop, counts_by_the_day_of_the_shop_with_the_largest_number_first) {
  const test::TestDatabase database;
  // Kiritimati is 14 hours ahead of UTC, Niue 11 behind: a product with yesterday's date in UTC can
  // be good there.
  database.run(R"sql(
    insert into shops (name, time_zone) values ('North', 'UTC'), ('Early', 'Pacific/Kiritimati'),
      ('Late', 'Pacific/Niue'), ('Empty', 'UTC'), ('Closed', 'UTC');
    update shops set removed_at = now() where name = 'Closed';
    insert into products (gtin, name) select g, 'Tea' from generate_series(1, 1200) g;
    insert into stock_readings (shop_id, gtin, expiry_date, present, version, observed_at, updated_at, looked_at, received_at)
      select s.id, g, case s.name
          when 'North' then (now() at time zone 'UTC')::date - (g <= 1100)::int
          else (now() at time zone s.time_zone)::date - (g % 3)
        end, not (s.name = 'Late' and g = 1), 1, now(), now(), now(), now()
      from shops s, generate_series(1, 1200) g
      where s.name in ('North', 'Closed') or (s.name in ('Early', 'Late') and g <= 3);
  )sql");
  const auto storage = make_database(database.options());
  const auto counts = storage->read()->expired_by_shop(10);
  std::vector<std::pair<std::int64_t, std::int64_t>> seen;
  for (const auto& [shop, readings] : counts) seen.emplace_back(shop.value(), readings);
  using Pair = std::pair<std::int64_t, std::int64_t>;
  EXPECT_THAT(seen, ElementsAre(Pair{1, 1000}, Pair{2, 2}, Pair{3, 1}, Pair{4, 0}));
  EXPECT_EQ(storage->read()->expired_by_shop(2).size(), 2U);
  // The query uses an index: one range for each shop.
  EXPECT_THAT(database.run("set enable_seqscan = off; explain (format json) select count(*) from "
                           "(select from stock_readings r"
                           " where r.shop_id = 1 and r.present and r.expiry_date <"
                           " (now() at time zone 'UTC')::date limit 1000) counted"),
              testing::HasSubstr("stock_readings_shop_expiry"));
}

}  // namespace
}  // namespace codasync::storage
