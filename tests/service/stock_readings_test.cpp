#include <atomic>
#include <set>
#include <thread>

#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

class StockReadings : public ServiceTest {};

TEST_F(StockReadings, return_location_and_etag_of_a_new_one) {
  const auto created = post(
      "/api/v1/stock-readings",
      R"({"shop":)" + shop() + R"(,"GTIN":"4006381333931","name":"Tea","quantity":3})", staff());
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.header("Location"),
            "/api/v1/stock-readings/" + std::to_string(created.number("id")));
  EXPECT_EQ(get(created.header("Location")).header("ETag"), created.header("ETag"));
  const auto merged =
      post("/api/v1/stock-readings",
           R"({"shop":)" + shop() + R"(,"GTIN":"04006381333931","quantity":4})", staff());
  EXPECT_EQ(merged.status, 200) << "another form of the same GTIN";
  EXPECT_EQ(merged.number("version"), 2);
}

TEST_F(StockReadings, are_written_by_shop_and_product_as_by_id) {
  const auto by_id = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto start = "/api/v1/shops/" + shop() + "/stock/";
  ASSERT_EQ(get(start + "4006381333931").status, 200);  // cached from now on
  for (const auto* gtin : {"4006381333931", "04006381333931", "4006381333931/"}) {
    ASSERT_EQ(patch(start + gtin, R"({"quantity":5})", staff()).status, 200) << gtin;
    EXPECT_EQ(get(by_id).number("quantity"), 5);
    const auto address = start + std::string{gtin}.substr(0, std::string{gtin}.find('/'));
    const auto adjusted = post(address + "/adjust", R"({"delta":-2})", staff());
    EXPECT_EQ(adjusted.status, 200) << adjusted.body;
    EXPECT_EQ(get(by_id).number("quantity"), 3);
    EXPECT_EQ(adjusted.header("ETag"), get(start + gtin).header("ETag"));
  }
  const auto row = get(by_id);
  const auto sent_back = patch(start + "4006381333931", row.body, staff());
  EXPECT_EQ(sent_back.status, 200) << sent_back.body;
  EXPECT_EQ(sent_back.text("outcome"), "kept");
}

TEST_F(StockReadings, by_shop_and_product_support_keys_and_if_match) {
  a_reading("4006381333931");
  const auto start = "/api/v1/shops/" + shop() + "/stock/";
  ASSERT_EQ(patch(start + "4006381333931", R"({"quantity":5})", staff()).status, 200);
  auto keyed = staff();
  keyed.emplace("Idempotency-Key", "sale-1");
  ASSERT_EQ(post(start + "4006381333931/adjust", R"({"delta":-1})", keyed).status, 200);
  const auto again = post(start + "04006381333931/adjust", R"({"delta":-1})", keyed);
  EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(get(start + "4006381333931").number("quantity"), 4);
  auto conditional = staff();
  conditional.emplace("If-Match", "\"1\"");
  EXPECT_EQ(patch(start + "4006381333931", R"({"quantity":1})", conditional).status, 412);
  EXPECT_EQ(post(start + "4006381333931/adjust", R"({"delta":1})", conditional).status, 412);
}

TEST_F(StockReadings, keep_their_identity_at_both_addresses) {
  const auto id = std::to_string(a_reading("4006381333931"));
  const auto other = std::to_string(a_reading("96385074"));
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"id", other}, {"id", "999999"}, {"shop", "999999"}, {"GTIN", "96385074"}};
  for (const auto& path :
       {"/api/v1/stock-readings/" + id, "/api/v1/shops/" + shop() + "/stock/4006381333931"}) {
    const auto before = get(path).body;
    for (const auto& [field, value] : wrong) {
      const auto body = R"({"quantity":5,")" + field + "\":" + value + "}";
      const auto response = patch(path, body, staff());
      EXPECT_EQ(response.status, 422) << path << body;
      EXPECT_NE(response.body.find("identity-is-fixed"), std::string::npos) << response.body;
      EXPECT_NE(response.body.find("\"" + field + "\":["), std::string::npos) << response.body;
    }
    EXPECT_EQ(get(path).body, before);
    for (const auto& same : {id, "\"" + id + "\"", id + ".0"})
      EXPECT_EQ(patch(path, R"({"quantity":5,"id":)" + same + "}", staff()).status, 200) << same;
    ASSERT_EQ(del("/api/v1/stock-readings/" + id, staff()).status, 204);
    EXPECT_EQ(patch(path, R"({"quantity":5,"id":)" + id + "}", staff()).status, 404) << path;
    EXPECT_EQ(patch(path, R"({"quantity":5,"id":)" + other + "}", staff()).status, 422) << path;
    a_reading("4006381333931");
  }
}

TEST_F(StockReadings, by_shop_and_product_are_never_created) {
  const auto reading = a_reading("4006381333931");
  put("/api/v1/products/96385074", R"({"name":"Salt"})", admin());
  const auto start = "/api/v1/shops/" + shop() + "/stock/";
  const std::string at = R"(,"observed_at":"2026-11-28T10:00:00Z"})";
  const auto expect_404 = [&](const std::string& address) {
    for (const auto& end : {std::string{"}"}, at}) {
      EXPECT_EQ(patch(address, R"({"quantity":5)" + end, admin()).status, 404) << address << end;
      EXPECT_EQ(post(address + "/adjust", R"({"delta":1)" + end, admin()).status, 404)
          << address << end;
    }
  };
  expect_404(start + "96385074");                          // a product that was never recorded
  expect_404(start + "9520000000004");                     // an unknown product
  expect_404("/api/v1/shops/999999/stock/4006381333931");  // an unknown shop
  EXPECT_EQ(database().run("select count(*) from stock_events"), "1");
  ASSERT_EQ(del("/api/v1/stock-readings/" + std::to_string(reading), staff()).status, 204);
  EXPECT_EQ(patch(start + "4006381333931", R"({"quantity":5})", staff()).status, 404);
  EXPECT_EQ(post(start + "4006381333931/adjust", R"({"delta":1})", staff()).status, 404);
}

TEST_F(StockReadings, support_if_none_match_and_if_match) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto tag = get(path).header("ETag");
  EXPECT_EQ(get(path, {{"If-None-Match", tag}, {"Connection", "close"}}).status, 304);
  auto conditional = staff();
  conditional.emplace("If-Match", tag);
  EXPECT_EQ(patch(path, R"({"quantity":1})", conditional).status, 200);
  const auto stale = patch(path, R"({"quantity":2})", conditional);
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(stale.number("version"), 2);
  EXPECT_EQ(get(path, {{"If-None-Match", tag}}).status, 200);
}

// Whether a reading has expired depends on its shop's time zone, which can be changed.
TEST_F(StockReadings, are_shown_everywhere_by_the_new_time_zone_of_their_shop) {
  start_second_instance();
  auto& edge = start_edge();
  const auto& gtin = some_gtins()[0];
  // The day before today in Kiritimati has not ended in Pago Pago, which is 25 hours behind.
  const auto date = database().run("select (now() at time zone 'Pacific/Kiritimati')::date - 1");
  const auto made = post("/api/v1/stock-readings",
                         R"({"name":"Tea","shop":)" + shop() + R"(,"GTIN":")" + gtin +
                             R"(","expiry_date":")" + date + "\"}",
                         staff());
  ASSERT_EQ(made.status, 201) << made.body;
  Connection through_nginx{edge.port()};
  Connection second{*this, 1};
  const auto shop_path = "/api/v1/shops/" + shop();
  std::set<std::string> tags;
  for (const auto* zone :
       {"Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Kiritimati", "Pacific/Pago_Pago"}) {
    ASSERT_EQ(patch(shop_path, R"({"time_zone":")" + std::string{zone} + "\"}", admin()).status,
              200);
    const std::string expired = std::string{zone} == "Pacific/Kiritimati" ? "true" : "false";
    for (const auto& path :
         {made.header("Location"), shop_path + "/stock/" + gtin,
          "/api/v1/products/" + gtin + "/stock", "/api/v1/stock-readings?shop=" + shop(),
          "/api/v1/stock-readings?expired=" + expired + "&shop=" + shop(),
          "/api/v1/stock-readings?GTIN=" + gtin}) {
      for (auto* client : {&through_nginx, &second, &through_nginx, &second}) {
        const auto response = client->send("GET", path, "", {});
        EXPECT_EQ(response.text_after("\"expired\":", ","), expired) << zone << " " << path;
        if (path == made.header("Location")) tags.insert(expired + response.header("ETag"));
      }
    }
  }
  EXPECT_EQ(tags.size(), 2U) << "one ETag for each content";
  // A shop with another name has the same readings: they stay in the cache.
  const auto filled = metric(R"(codasync_cache_reads_total{path="filled"})");
  do_not_compare_reads();
  ASSERT_EQ(patch(shop_path, R"({"name":"South"})", admin()).status, 200);
  EXPECT_EQ(get(made.header("Location")).status, 200);
  EXPECT_EQ(get("/api/v1/stock-readings?shop=" + shop()).status, 200);
  EXPECT_EQ(metric(R"(codasync_cache_reads_total{path="filled"})"), filled);
}

// After a failover the id of a lost reading can belong to another one.
TEST_F(StockReadings, are_read_by_the_ids_of_the_current_history) {
  const auto& gtins = some_gtins();
  const auto first = a_reading(gtins[0]);
  const auto second = a_reading(gtins[1]);
  const auto path = [](std::int64_t id) { return "/api/v1/stock-readings/" + std::to_string(id); };
  for (const auto id : {first, second}) ASSERT_EQ(get(path(id)).status, 200);
  const auto now_about = [&](std::int64_t id, const std::string& gtin) {
    database().run(
        "set session_replication_role = replica;"  // without foreign keys
        "update stock_readings set gtin = " +
        gtin + " where id = " + std::to_string(id));
  };
  now_about(first, "0");
  now_about(second, gtins[0]);
  now_about(first, gtins[1]);
  memcached().clear();
  for (int i = 0; i < 2; ++i) {  // from the database, then from the cache
    EXPECT_EQ(get(path(first)).text("GTIN"), gtins[1]);
    EXPECT_EQ(get(path(second)).text("GTIN"), gtins[0]);
  }
}

TEST_F(StockReadings, change_their_name_with_the_product) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto in_shop = "/api/v1/shops/" + shop() + "/stock/4006381333931";
  const auto list = "/api/v1/stock-readings?shop=" + shop();
  const auto everywhere = std::string{"/api/v1/products/4006381333931/stock"};
  for (const auto& cached : {path, in_shop, list, everywhere}) {
    get(cached);
    EXPECT_NE(get(cached).body.find("\"Tea\""), std::string::npos) << cached;
  }
  EXPECT_EQ(patch("/api/v1/products/4006381333931", R"({"name":"Green tea"})", admin()).status,
            200);
  for (const auto& cached : {path, in_shop, list, everywhere}) {
    EXPECT_NE(get(cached).body.find("\"Green tea\""), std::string::npos) << cached;
  }
}

TEST_F(StockReadings, show_their_history_and_void_events) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  patch(path, R"({"expiry_date":"2026-12-01"})", staff());
  EXPECT_EQ(get(path + "/history").status, 401);
  const auto history = get(path + "/history", staff());
  EXPECT_EQ(history.status, 200);
  const auto event = history.text_after("\"id\":\"", "\"");
  EXPECT_EQ(del(path + "/history/" + event, staff()).status, 204);
  EXPECT_EQ(get(path).text("expiry_date"), "2026-12-24");
  // Voiding an event again has no further effect.
  EXPECT_EQ(del(path + "/history/" + event, staff()).status, 204);
  EXPECT_EQ(database().run("select count(*) from stock_events where kind = 'v'"), "1");
  const auto after = get(path + "/history", staff());
  const auto of_void = after.text("id");
  EXPECT_EQ(after.text("voids"), event);
  EXPECT_EQ(after.text_after("\"id\":\"" + event, "}").find("\"voided_by\":\"" + of_void) ==
                std::string::npos,
            false)
      << after.body;
  EXPECT_EQ(del(path + "/history/" + of_void, staff()).status, 409);
}

TEST_F(StockReadings, have_a_history_that_says_which_events_its_reader_can_take_back) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  patch(path, R"({"expiry_date":"2026-12-01"})", staff());
  patch(path, R"({"quantity":7})", admin());
  const auto token = post("/api/v1/tokens", R"({"name":"another","role":"staff"})", admin());
  const httplib::Headers another{{"Authorization", "Bearer " + token.text("token")}};
  const auto expect = [&](const httplib::Headers& who, const std::vector<bool>& voidable) {
    const auto rows = get(path + "/history", who).rows();
    ASSERT_EQ(rows.size(), voidable.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      EXPECT_EQ(rows[i].at("voidable"), voidable[i] ? "true" : "false") << i;
  };
  expect(staff(), {false, true, true});
  expect(admin(), {true, true, true});
  expect(another, {false, false, false});
  const auto ids = get(path + "/history", staff()).rows();
  const auto id = [&](std::size_t at) {
    const auto& quoted = ids.at(at).at("id");
    return quoted.substr(1, quoted.size() - 2);
  };
  EXPECT_EQ(del(path + "/history/" + id(0), staff()).status, 403);
  EXPECT_EQ(del(path + "/history/" + id(1), staff()).status, 204);
  expect(staff(), {false, false, false, true});
  expect(admin(), {false, true, false, true});
  // After combiner.staff_void_time only an admin can do it.
  database().run("update stock_events set received_at = received_at - interval '73 hours'");
  expect(staff(), {false, false, false, false});
  expect(admin(), {false, true, false, true});
  EXPECT_EQ(del(path + "/history/" + id(2), staff()).status, 403);
}

TEST_F(StockReadings, are_listed_page_by_page_without_gap_or_repeat) {
  const auto& gtins = some_gtins();
  for (std::size_t i = 0; i < gtins.size(); ++i) {
    const auto date =
        i % 3 == 0 ? std::string{"null"} : "\"2026-12-" + std::to_string(10 + i % 10) + "\"";
    ASSERT_EQ(post("/api/v1/stock-readings",
                   R"({"shop":)" + shop() + R"(,"GTIN":")" + gtins[i] + R"(","name":"P)" +
                       std::to_string(i) + R"(","expiry_date":)" + date + "}",
                   staff())
                  .status,
              201);
  }
  for (const std::string order : {"id", "expiry_date", "-expiry_date", "name", "-updated_at"}) {
    std::multiset<std::string> seen;
    auto path = "/api/v1/stock-readings/?shop=" + shop() + "&limit=4&ordering=" + order;
    for (int page = 0; page < 20 && !path.empty(); ++page) {
      const auto response = get(path);
      ASSERT_EQ(response.status, 200) << response.body;
      for (const auto& gtin : gtins) {
        if (response.body.find("\"GTIN\":\"" + gtin) != std::string::npos) seen.insert(gtin);
      }
      path = response.next_page();
    }
    EXPECT_EQ(seen.size(), gtins.size()) << order;
    EXPECT_EQ((std::set<std::string>{seen.begin(), seen.end()}.size()), gtins.size()) << order;
  }
}

TEST_F(StockReadings, return_the_same_response_for_the_same_key) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  patch(path, R"({"quantity":10})", staff());
  auto keyed = staff();
  keyed.emplace("Idempotency-Key", "sale-1");
  const auto first = post(path + "/adjust", R"({"delta":-2})", keyed);
  const auto second = post(path + "/adjust", R"({"delta":-2})", keyed);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(second.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(get(path).number("quantity"), 8);
  EXPECT_EQ(post(path + "/adjust", R"({"delta":-3})", keyed).status, 422);
}

TEST_F(StockReadings, accept_a_token_until_it_is_revoked) {
  const auto made =
      post("/api/v1/tokens", R"({"name":"till","role":"staff","shops":[)" + shop() + "]}", admin());
  ASSERT_EQ(made.status, 201);
  const httplib::Headers till{{"Authorization", "Bearer " + made.text("token")}};
  const auto body =
      R"({"shop":)" + shop() + R"(,"GTIN":"4006381333931","name":"Tea","quantity":1})";
  EXPECT_EQ(post("/api/v1/stock-readings", body, till).status, 201);
  EXPECT_EQ(del("/api/v1/tokens/" + std::to_string(made.number("id")), admin()).status, 204);
  EXPECT_EQ(post("/api/v1/stock-readings", body, till).status, 401);
}

TEST_F(StockReadings, are_written_with_one_token_when_its_creation_was_repeated) {
  auto keyed = admin();
  keyed.emplace("Idempotency-Key", "till-7");
  const auto made = post("/api/v1/tokens", R"({"name":"till 7","role":"admin"})", keyed);
  const auto again = post("/api/v1/tokens", R"({"name":"till 7","role":"admin"})", keyed);
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(again.number("id"), made.number("id"));
  EXPECT_FALSE(made.text("token").empty());
  EXPECT_TRUE(again.text("token").empty()) << "the secret must not be stored";
  EXPECT_EQ(database().run("select count(*) from idempotency_keys where answer like '%coda_%'"),
            "0");
  const httplib::Headers till{{"Authorization", "Bearer " + made.text("token")}};
  EXPECT_EQ(del("/api/v1/tokens/" + std::to_string(made.number("id")), till).status, 204);
  EXPECT_EQ(post("/api/v1/tokens", R"({"name":"heir","role":"admin"})", till).status, 401);
}

TEST_F(StockReadings, lose_nothing_when_64_clients_update_one) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  patch(path, R"({"quantity":1000})", staff());
  constexpr int kClients = 64;
  constexpr int kEach = 20;
  std::mutex mutex;
  std::set<std::int64_t> versions;
  std::atomic<std::int64_t> sum{0};
  std::vector<std::jthread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      Connection own{*this};
      for (int i = 0; i < kEach; ++i) {
        const bool date = i % 4 == 3;
        const std::int64_t delta = (client + i) % 2 == 0 ? 3 : -1;
        const auto response = date
                                  ? own.send("PATCH", path,
                                             R"({"expiry_date":"2026-12-)" +
                                                 std::to_string(10 + (client + i) % 14) + "\"}",
                                             staff())
                                  : own.send("POST", path + "/adjust",
                                             R"({"delta":)" + std::to_string(delta) + "}", staff());
        ASSERT_EQ(response.status, 200) << response.body;
        if (!date) sum += delta;
        const std::scoped_lock hold{mutex};
        const bool is_new = versions.insert(response.number("version")).second;
        EXPECT_TRUE(is_new || date) << "two sales have the same version";
      }
    });
  }
  clients.clear();
  const auto end = get(path);
  EXPECT_EQ(end.number("quantity"), 1000 + sum);
  EXPECT_EQ(end.text("expiry_date"), "2026-12-10");
  std::int64_t expected = *versions.begin();
  for (const auto version : versions) EXPECT_EQ(version, expected++) << "a version is missing";
  EXPECT_EQ(end.number("version"), expected - 1);
}

}  // namespace
}  // namespace codasync::test
