#include <gmock/gmock.h>

#include "cache/codec.hpp"
#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

using testing::HasSubstr;

class DeepCheck : public ServiceTest {
 protected:
  CommandResult check() { return run({"check", "--deep"}); }
  CommandResult repair() { return run({"check", "--deep", "--repair"}); }

  /// Creates a reading with a check, a count, an adjustment and a void. Returns: its path.
  std::string a_reading_with_a_history() {
    const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
    patch(path, R"({"expiry_date":"2026-12-10","date_kind":"use_by","kind":"check"})", staff());
    patch(path, R"({"quantity":7})", staff());
    post(path + "/adjust", R"({"delta":-2})", staff());
    const auto history = get(path + "/history", staff());
    del(path + "/history/" + history.text("id"), staff());
    return path;
  }

  /// Stores a well-formed cache entry that the service would send.
  void store_entry(const std::string& uri, const std::string& body) {
    ServiceTest::store_entry("coda1:" + uri,
                             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body);
  }

 private:
  const FsyncOn fsync_{database()};
};

TEST_F(DeepCheck, finds_no_difference_in_data_of_the_service) {
  do_not_compare_reads();
  const auto path = a_reading_with_a_history();
  get(path);
  get("/api/v1/shops/" + shop());
  get("/api/v1/products/4006381333931");
  get("/api/v1/products/4006381333931/stock");
  get("/api/v1/shops/" + shop() + "/stock/4006381333931");
  get("/api/v1/stock-readings?shop=" + shop());
  const auto result = check();
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("1 reading compared, 0 differed, 0 repaired"));
  EXPECT_THAT(result.output, HasSubstr("5 entries compared, 0 differed, 0 deleted"));
  EXPECT_THAT(result.output, HasSubstr("2 lists and other entries not compared"));
}

TEST_F(DeepCheck, compares_the_rows_of_pages) {
  do_not_compare_reads();
  a_reading_with_a_history();
  get("/api/v1/shops/" + shop() + "/stock?GTIN=4006381333931,96385074");
  const auto result = check();
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr(" entries compared, 0 differed, 0 deleted"));
}

TEST_F(DeepCheck, finds_no_difference_in_a_reading_whose_only_event_came_after_its_void) {
  do_not_compare_reads();
  put("/api/v1/products/96385074", R"({"name":"Salt"})", admin());
  const auto send = [&](const std::string& operation) {
    const auto answer =
        post("/api/v1/sync",
             R"({"device":"6d1f4c9e-0d0f-4c5e-9d35-0f1f3f0a7a11","shop":)" + shop() +
                 R"(,"operations":[{"GTIN":"96385074",)" + operation + "}]}",
             staff());
    EXPECT_THAT(answer.body, HasSubstr(R"("outcome":"kept")"));
  };
  send(R"("id":"0f6e3b52-6f0c-4c7e-8a39-6a3c3a1b0002","kind":"void",
          "voids_operation":"0f6e3b52-6f0c-4c7e-8a39-6a3c3a1b0001",
          "observed_at":"2026-11-24T10:01:00Z")");
  send(R"("id":"0f6e3b52-6f0c-4c7e-8a39-6a3c3a1b0001","kind":"sighting",
          "expiry_date":"2026-12-24","observed_at":"2026-11-24T10:00:00Z")");
  const auto result = check();
  EXPECT_EQ(result.status, 0) << result.output;
}

struct Damage {
  const char* what;
  const char* sql;
  bool visible;  // in responses
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.what; }

class DamagedRow : public DeepCheck, public testing::WithParamInterface<Damage> {};

TEST_P(DamagedRow, is_reported_and_repaired_from_its_events) {
  const auto path = a_reading_with_a_history();
  const auto before = get(path);
  database().run(std::string{"update stock_readings set "} + GetParam().sql);
  const auto found = check();
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.output, HasSubstr(std::string{GetParam().what} + " is "));
  EXPECT_THAT(check().output, HasSubstr(std::string{GetParam().what} + " is "))
      << "nothing was changed";

  const auto repaired = repair();
  EXPECT_EQ(repaired.status, 0) << repaired.output;
  EXPECT_THAT(repaired.output, HasSubstr("(repaired)"));
  EXPECT_EQ(check().status, 0) << check().output;
  const auto after = get(path);
  EXPECT_EQ(after.text("expiry_date"), before.text("expiry_date"));
  EXPECT_EQ(after.number("quantity"), before.number("quantity"));
  EXPECT_EQ(after.header("ETag") != before.header("ETag"), GetParam().visible)
      << "a client that has the damaged response must not get 304";
}

INSTANTIATE_TEST_SUITE_P(
    EachField, DamagedRow,
    testing::Values(Damage{"state", "present = false", true},
                    Damage{"expiry_date", "expiry_date = '2030-01-01'", true},
                    Damage{"expiry_date", "date_kind = null", true},
                    Damage{"quantity", "quantity = 99", true},
                    Damage{"quantity", "quantity = null, plain = null, lowest = null", true},
                    Damage{"plain", "plain = 3", false}, Damage{"lowest", "lowest = 8", false},
                    Damage{"version", "version = 1", true},
                    Damage{"checked_at", "looked_at = null", true},
                    Damage{"dates_since", "dates_since = null", false},
                    Damage{"quantity_since", "quantity_since = now()", true},
                    Damage{"newest_at", "newest_at = newest_at - interval '1 s'", false},
                    Damage{"tail", "tail = 2", false},
                    Damage{"sealed_until", "sealed_until = '2001-01-01'", false},
                    Damage{"received_at", "received_at = received_at - interval '1 day'", false},
                    Damage{"received_at", "received_at = received_at + interval '1 day'", false},
                    Damage{"observed_at", "observed_at = '2001-01-01'", true},
                    Damage{"updated_at", "updated_at = '2001-01-01'", true}),
    [](const testing::TestParamInfo<Damage>& damage) {
      return std::string{damage.param.what} + "_" + std::to_string(damage.index);
    });

TEST_F(DeepCheck, repairs_rows_that_are_already_cached) {
  const auto path = a_reading_with_a_history();
  database().run("update stock_readings set quantity = 99");
  EXPECT_EQ(get(path).number("quantity"), 99);
  EXPECT_EQ(get(path).number("quantity"), 99);
  EXPECT_EQ(repair().status, 0);
  EXPECT_EQ(get(path).number("quantity"), 7);
}

TEST_F(DeepCheck, allows_adjustments_of_a_repaired_row) {
  const auto path = a_reading_with_a_history();
  database().run("update stock_readings set quantity = 99");
  repair();
  EXPECT_EQ(post(path + "/adjust", R"({"delta":-3})", staff()).number("quantity"), 4);
  EXPECT_EQ(check().status, 0);
}

TEST_F(DeepCheck, reports_events_without_a_row_which_it_cannot_repair) {
  a_reading_with_a_history();
  database().run("update stock_events set reading_id = 4711 where kind = 'c'");
  const auto result = repair();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("reading 4711: events exist, but no row"));
}

TEST_F(DeepCheck, removes_a_row_without_events) {
  const auto path = a_reading_with_a_history();
  database().run("delete from stock_events");
  EXPECT_THAT(check().output, HasSubstr("the reading has no events"));
  EXPECT_EQ(repair().status, 0);
  EXPECT_EQ(get(path).status, 404);
  EXPECT_EQ(check().status, 0);
}

TEST_F(DeepCheck, compares_many_readings_and_long_histories) {
  database().run(
      "insert into products (gtin, name) select i, 'p' from generate_series(1, 1200) i;"
      "insert into stock_readings (id, shop_id, gtin, quantity, plain, lowest, version, "
      "observed_at,"
      " updated_at, received_at, newest_at, looked_at, quantity_since, tail, present)"
      " overriding system value select i, 1, i, n - 1, n - 1, 0, n, t, t, t, t, since, since,"
      // One with more events than are held at a time, and than a tail has.
      " n, true from generate_series(1, 1200) i,"
      " lateral (values (case i when 700 then 5000 else 6 end)) s (n),"
      " lateral (values (timestamptz '2026-01-01' + n * interval '1 s', timestamptz '2026-01-01'"
      " + interval '1 s')) v (t, since);"
      "insert into stock_events (id, reading_id, kind, quantity, delta, observed_at, received_at, "
      "token_id, actor, outcome, version)"
      " select gen_random_uuid(), r.id, case n when 1 then 'q' else 'a' end::\"char\","
      " case n when 1 then 0 end, case when n > 1 then 1 end, t, t, 1, 'test', 'a', n"
      " from stock_readings r, generate_series(1, r.tail) n,"
      " lateral (values (timestamptz '2026-01-01' + n * interval '1 s')) v (t)");
  const auto clean = check();
  EXPECT_EQ(clean.status, 0) << clean.output;
  EXPECT_THAT(clean.output, HasSubstr("1200 readings compared, 0 differed"));
  database().run(
      "update stock_readings set quantity = quantity + 1 where id in (1, 500, 501, 700, 1200)");
  const auto found = check();
  EXPECT_EQ(found.status, 1);
  for (const char* reading :
       {"reading 1 in", "reading 500 in", "reading 501 in", "reading 700 in", "reading 1200 in"})
    EXPECT_THAT(found.output, HasSubstr(reading));
  EXPECT_THAT(found.output, HasSubstr("quantity is 5000, expected 4999"));
  EXPECT_EQ(repair().status, 0);
  EXPECT_EQ(check().status, 0);
}

TEST_F(DeepCheck, finds_and_deletes_entries_that_differ_from_the_database) {
  do_not_compare_reads();
  const auto path = a_reading_with_a_history();
  store_entry(path, R"({"quantity":1})");
  store_entry("/api/v1/products/4006381333931", R"({"name":"of yesterday"})");
  store_entry("/api/v1/shops/" + shop(), "");
  store_entry("/api/v1/stock-readings/4711", R"({"quantity":1})");
  store_entry("/api/v1/products/9520000000097", R"({"name":"never there"})");
  store_entry("/api/v1/nonsense", "{}");
  EXPECT_EQ(get(path).number("quantity"), 1) << "the service sends the wrong entry";
  const auto found = check();
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.output, HasSubstr("6 entries compared, 6 differed, 0 deleted"));
  EXPECT_THAT(found.output, HasSubstr("coda1:" + path + ": it differs from the database"));
  EXPECT_THAT(found.output,
              HasSubstr("coda1:/api/v1/nonsense: this address or row does not exist"));
  const auto repaired = repair();
  EXPECT_EQ(repaired.status, 0) << repaired.output;
  EXPECT_THAT(repaired.output, HasSubstr("6 differed, 6 deleted"));
  EXPECT_EQ(check().status, 0);
  EXPECT_EQ(get(path).number("quantity"), 7);
}

TEST_F(DeepCheck, finds_and_deletes_rows_that_differ_from_the_database) {
  do_not_compare_reads();
  a_reading_with_a_history();
  put("/api/v1/products/96385074", R"({"name":"Salt"})", admin());
  const auto page = "/api/v1/shops/" + shop() + "/stock?GTIN=4006381333931,96385074";
  const auto before = get(page).body;
  const auto clean = check();
  EXPECT_EQ(clean.status, 0) << clean.output;
  EXPECT_THAT(clean.output, HasSubstr("5 entries compared, 0 differed"));
  const auto tea = Gtin::from_number(4006381333931);
  const auto store = [this](const std::string& key, const std::string& row) {
    ServiceTest::store_entry(key, row);
  };
  store("row1:product:4006381333931", cache::encode(Product{tea, "of yesterday", {}, {}, 1, {}}));
  store("row1:product:9520000000097",
        cache::encode(Product{Gtin::from_number(9520000000097), "never there", {}, {}, 1, {}}));
  store("row1:reading:" + shop() + ":4006381333931",
        cache::encode_no_reading(ShopId{std::stoll(shop())}, tea));
  store("row1:shop:99", cache::encode(Shop{ShopId{99}, "never there", "UTC", 1, {}}));
  store("row1:shop:01", cache::encode(Shop{ShopId{1}, "another spelling", "UTC", 1, {}}));
  const auto generation = "gen1:shop:" + shop();
  memcached().ask("delete " + generation);  // the page was stored as a list, too
  EXPECT_EQ(get(page).body, "[]") << "the service sends the wrong rows";
  const auto found = check();
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.output, HasSubstr("8 entries compared, 5 differed, 0 deleted")) << found.output;
  EXPECT_THAT(found.output, HasSubstr("row1:shop:01: this address or row does not exist"));
  EXPECT_EQ(repair().status, 0);
  const auto repaired = check();
  EXPECT_EQ(repaired.status, 0) << repaired.output;
  EXPECT_EQ(get(page).body, before) << "lists that were made of wrong rows have ended too";
}

TEST_F(DeepCheck, finds_an_entry_in_a_slot_that_its_writes_do_not_use) {
  a_reading_with_a_history();
  get("/api/v1/products/4006381333931");
  Memcached second;
  Memcached third;
  // With three slots, some of these keys belong to another slot.
  const std::vector<std::string> three{"CODASYNC_MEMCACHED_SERVERS=" + second.address() + "," +
                                       third.address() + "," + memcached().address()};
  store_entry("/api/v1/shops/" + shop(), "{}");
  const auto found = run({"check", "--deep"}, three);
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.output, HasSubstr("it belongs to another slot"));
}

TEST_F(DeepCheck, reports_no_difference_during_concurrent_writes) {
  const auto path = a_reading_with_a_history();
  std::atomic<bool> stop{false};
  std::jthread writer{[&] {
    Connection own{*this};
    while (!stop) {
      own.send("POST", path + "/adjust", R"({"delta":1})", staff());
      own.send("GET", path, "", {});
      own.send("GET", "/api/v1/products/4006381333931/stock", "", {});
    }
  }};
  for (int i = 0; i < 5; ++i) {
    const auto result = check();
    EXPECT_THAT(result.output, HasSubstr("1 reading compared, 0 differed"));
    EXPECT_THAT(result.output, HasSubstr("compared, 0 differed, 0 deleted"));
  }
  stop = true;
}

TEST_F(DeepCheck, reports_servers_that_it_could_not_compare) {
  a_reading_with_a_history();
  memcached().stop();
  const auto result = check();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("problem: "));
}

TEST_F(DeepCheck, repairs_only_together_with_deep) {
  EXPECT_EQ(run({"check", "--repair"}).status, 2);
}

}  // namespace
}  // namespace codasync::test
