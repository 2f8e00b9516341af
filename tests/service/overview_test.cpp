#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

using testing::HasSubstr;

class OverviewTest : public ServiceTest {
 protected:
  OverviewTest() { do_not_compare_reads(); }

  /// Returns: a member of the overview.
  std::string number(const std::string& query, const std::string& member) {
    const auto response = get("/api/v1/overview" + query);
    EXPECT_EQ(response.status, 200) << response.body;
    const auto row = response.row();
    return row.empty() ? "none" : row.at(member);
  }
  std::string of_shop() const { return "?shop=" + shop(); }
  /// Returns: a date that many days from today in UTC, by the database.
  std::string day(int days) {
    return database().run("select (now() at time zone 'UTC')::date + (" + std::to_string(days) +
                          ")");
  }
  HttpResponse record(std::size_t product, const std::string& fields, const std::string& shop_id) {
    return post("/api/v1/stock-readings",
                R"({"shop":)" + shop_id + R"(,"GTIN":")" + some_gtins().at(product) +
                    R"(","name":"Tea",)" + fields + "}",
                staff());
  }
  void record(std::size_t product, int days, int quantity) {
    const auto response = record(
        product, R"("expiry_date":")" + day(days) + R"(","quantity":)" + std::to_string(quantity),
        shop());
    ASSERT_EQ(response.status, 201) << response.body;
  }
};

TEST_F(OverviewTest, counts_each_reading_by_its_day_shop_and_category) {
  const auto south = post("/api/v1/shops", R"({"name":"South"})", admin()).row().at("id");
  record(0, -3, 4);  // expired
  record(1, 0, 0);   // due today, sold out
  record(2, 7, 5);   // due
  record(3, 8, 6);
  record(4, 29, 7);
  record(5, 30, 8);                                             // after the days that are counted
  ASSERT_EQ(record(6, R"("quantity":9)", shop()).status, 201);  // without a date
  ASSERT_EQ(record(0, R"("expiry_date":")" + day(1) + "\"", south).status, 201);  // not counted
  put("/api/v1/products/" + some_gtins()[0], R"({"name":"Tea","category":"Drinks"})", admin());

  const auto north = get("/api/v1/overview" + of_shop());
  ASSERT_EQ(north.status, 200) << north.body;
  const auto row = north.row();
  EXPECT_EQ(row.at("today"), "\"" + day(0) + "\"");
  EXPECT_EQ(row.at("readings"), "7");
  EXPECT_EQ(row.at("units"), "39");
  EXPECT_EQ(row.at("expired"), "1");
  EXPECT_EQ(row.at("due"), "2");
  EXPECT_EQ(row.at("not_checked"), "0");
  std::string days = "[";
  for (int i = 0; i < 30; ++i) {
    const bool one = i == 0 || i == 7 || i == 8 || i == 29;
    days +=
        (i > 0 ? "," : "") + (R"({"date":")" + day(i)) + R"(","readings":)" + (one ? "1}" : "0}");
  }
  EXPECT_EQ(row.at("days"), days + "]");
  EXPECT_THAT(row.at("shops"), HasSubstr(R"([{"shop":)" + shop() +
                                         R"(,"readings":7,"units":39,)"
                                         R"("expired":1,"due":2,"not_checked":0,"checked_at":")"));
  EXPECT_THAT(row.at("categories"), HasSubstr(R"({"category":"Drinks","readings":1,"units":4,)"
                                              R"("expired":1,"due":0,)"));
  EXPECT_THAT(row.at("categories"), HasSubstr(R"({"category":null,"readings":6,"units":35,)"));

  const auto all = get("/api/v1/overview").row();
  EXPECT_EQ(all.at("readings"), "8");
  EXPECT_EQ(all.at("expired"), "1");
  EXPECT_EQ(all.at("due"), "3");
  EXPECT_THAT(all.at("shops"), HasSubstr(R"({"shop":)" + south + R"(,"readings":1,"units":0,)"));
  EXPECT_THAT(all.at("categories"), HasSubstr(R"({"category":"Drinks","readings":2,"units":4,)"));
}

TEST_F(OverviewTest, changes_with_each_write_although_it_is_cached) {
  record(0, 1, 4);
  EXPECT_EQ(number(of_shop(), "units"), "4");
  const auto hits = metric(R"(codasync_cache_reads_total{path="hit"})");
  EXPECT_EQ(number(of_shop(), "units"), "4");
  EXPECT_EQ(number("?due_days=7&shop=" + shop() + "&stale_days=14&days=30", "units"), "4");
  EXPECT_GE(metric(R"(codasync_cache_reads_total{path="hit"})"), hits + 2)
      << "also with the defaults and in another order";

  record(1, -1, 3);
  EXPECT_EQ(number(of_shop(), "units"), "7");
  EXPECT_EQ(number(of_shop(), "expired"), "1");
  const auto reading = get("/api/v1/shops/" + shop() + "/stock/" + some_gtins()[1]).row().at("id");
  post("/api/v1/stock-readings/" + reading + "/adjust", R"({"delta":-1})", staff());
  EXPECT_EQ(number(of_shop(), "units"), "6");
  patch("/api/v1/products/" + some_gtins()[0], R"({"category":"Drinks"})", admin());
  EXPECT_THAT(number(of_shop(), "categories"), HasSubstr("Drinks"));
  patch("/api/v1/products/" + some_gtins()[0], R"({"category":"Hot drinks"})", admin());
  EXPECT_THAT(number(of_shop(), "categories"), HasSubstr("Hot drinks"));
  patch("/api/v1/shops/" + shop(), R"({"time_zone":"Pacific/Kiritimati"})", admin());
  EXPECT_EQ(number(of_shop(), "today"),
            "\"" + database().run("select (now() at time zone 'Pacific/Kiritimati')::date") + "\"");
  del("/api/v1/stock-readings/" + reading, staff());
  EXPECT_EQ(number(of_shop(), "readings"), "1");
}

TEST_F(OverviewTest, of_a_shop_in_nginx_is_a_hit_and_current) {
  auto& edge = start_edge();
  Connection nginx{edge.port()};
  const auto units = [&] {
    return nginx.send("GET", "/api/v1/overview" + of_shop(), "", {}).row().at("units");
  };
  record(0, 1, 4);
  EXPECT_EQ(units(), "4");
  const auto served =
      metric(R"(codasync_http_requests_total{method="GET",route="/api/v1/overview",status="200"})");
  EXPECT_EQ(units(), "4");
  EXPECT_EQ(
      metric(R"(codasync_http_requests_total{method="GET",route="/api/v1/overview",status="200"})"),
      served);
  record(1, 1, 3);
  EXPECT_EQ(units(), "7");
}

TEST_F(OverviewTest, counts_a_reading_as_not_checked_after_days_without_a_look) {
  record(0, 100, 1);
  record(1, 100, 1);
  const auto reading = get("/api/v1/shops/" + shop() + "/stock/" + some_gtins()[1]).row().at("id");
  database().run("update stock_readings set looked_at = now() - interval '14 days' where id = " +
                 reading);
  const auto count = [&](const std::string& stale_days) {
    return number(of_shop() + "&stale_days=" + stale_days, "not_checked");
  };
  EXPECT_EQ(count("13"), "1");
  EXPECT_EQ(count("14"), "1");
  EXPECT_EQ(count("15"), "0");
  database().run("update stock_readings set looked_at = null where id = " + reading);
  EXPECT_EQ(count("365"), "1");
  // The rows agree with the work list, whose rule it is.
  const auto list = get("/api/v1/shops/" + shop() + "/work-list?days=0&stale_days=365").rows();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].at("reason"), "\"never_checked\"");
}

TEST_F(OverviewTest, of_nothing_is_zero_and_of_an_unknown_shop_404) {
  EXPECT_EQ(number(of_shop(), "readings"), "0");
  EXPECT_EQ(number(of_shop(), "shops"), "[]");
  EXPECT_EQ(number(of_shop(), "checked_at"), "null");
  EXPECT_EQ(number("?days=1", "days"), R"([{"date":")" + day(0) + R"(","readings":0}])");
  EXPECT_EQ(get("/api/v1/overview?shop=999").status, 404);
  EXPECT_EQ(get("/api/v1/overview?shop=1,2").status, 400);
  for (const std::string wrong : {"days=0", "days=366", "due_days=-1", "stale_days=0", "days=x"})
    EXPECT_EQ(get("/api/v1/overview?" + wrong).status, 400) << wrong;
}

TEST_F(OverviewTest, of_more_readings_than_it_may_read_is_refused) {
  const auto fill = [&](const std::string& count) {
    database().run("insert into products (gtin, name) select n, 'P' from generate_series(1, " +
                   count +
                   ") n on conflict do nothing; insert into stock_readings (shop_id, gtin, version,"
                   " observed_at, updated_at, received_at, present) select " +
                   shop() + ", n, 1, now(), now(), now(), true from generate_series(1, " + count +
                   ") n on conflict do nothing");
  };
  fill("100000");
  EXPECT_EQ(number(of_shop(), "readings"), "100000");
  EXPECT_EQ(number("", "readings"), "100000");
  fill("100001");
  const auto refused = get("/api/v1/overview");
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, HasSubstr("too-many-readings"));
  EXPECT_EQ(get("/api/v1/overview?shop=" + shop() + "&days=2").status, 422);
}

}  // namespace
}  // namespace codasync::test
