#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/service/service.hpp"

// Many products in one request: what a storefront shows on one page.

namespace codasync::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Pages : public ServiceTest {
 protected:
  /// Returns: the values of a field in the rows of a list.
  std::vector<std::string> values(const std::string& path, const std::string& field = "GTIN") {
    const auto response = get(path);
    EXPECT_EQ(response.status, 200) << path << response.body;
    std::vector<std::string> found;
    for (const auto& row : response.rows()) found.push_back(row.at(field));
    return found;
  }
  static std::string quoted(const std::string& text) { return "\"" + text + "\""; }
  static std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : ",") + text;
    return out;
  }
  std::string other_shop(const std::string& name) {
    return post("/api/v1/shops", R"({"name":")" + name + "\"}", admin()).row().at("id");
  }
  void record(const std::string& place, const std::string& gtin, const std::string& fields) {
    const auto response = post("/api/v1/stock-readings",
                               R"({"shop":)" + place + R"(,"GTIN":")" + gtin + R"(","name":"Tea")" +
                                   (fields.empty() ? "" : ",") + fields + "}",
                               staff());
    ASSERT_EQ(response.status, 201) << response.body;
  }
  double filled() { return metric(R"(codasync_cache_reads_total{path="filled"})"); }
  /// Connections that were lent for fills: one for each transaction.
  double transactions() {
    return metric(R"(codasync_postgres_pool_wait_seconds_count{pool="fills"})");
  }
  double hits() { return metric(R"(codasync_cache_reads_total{path="hit"})"); }
};

TEST_F(Pages, of_a_shop_have_the_readings_in_the_order_of_the_request) {
  const auto& gtins = some_gtins();
  for (int i = 0; i < 6; ++i) record(shop(), gtins[static_cast<std::size_t>(i)], "");
  put("/api/v1/products/" + gtins[7], R"({"name":"Nowhere"})", admin());
  const auto path = "/api/v1/shops/" + shop() + "/stock?GTIN=";
  for (int round = 0; round < 2; ++round) {  // the second round is from the cache
    EXPECT_THAT(values(path + joined({gtins[3], gtins[0], gtins[5]})),
                ElementsAre(quoted(gtins[3]), quoted(gtins[0]), quoted(gtins[5])));
    EXPECT_THAT(values(path + joined({gtins[3], gtins[7], gtins[9], gtins[1]})),
                ElementsAre(quoted(gtins[3]), quoted(gtins[1])))
        << "a product that is not in this shop, and an unknown one";
    EXPECT_THAT(values(path + joined({gtins[2], gtins[1], gtins[2], "0" + gtins[1]})),
                ElementsAre(quoted(gtins[2]), quoted(gtins[1])))
        << "each once, in any form";
    EXPECT_THAT(values(path + gtins[9]), IsEmpty());
  }
  const auto page = get(path + gtins[4]);
  EXPECT_EQ(page.body, "[" + get("/api/v1/shops/" + shop() + "/stock/" + gtins[4]).body + "]");
  EXPECT_EQ(get(path + gtins[4], {{"If-None-Match", page.header("ETag")}, {"Connection", "close"}})
                .status,
            304);
}

TEST_F(Pages, are_read_from_the_cache_row_by_row) {
  const auto& gtins = some_gtins();
  const auto of_page = 1 + 2 * static_cast<double>(gtins.size());  // shop, products, readings
  for (const auto& gtin : gtins) record(shop(), gtin, R"("quantity":3)");
  do_not_compare_reads();
  memcached().clear();
  const auto path = "/api/v1/shops/" + shop() + "/stock?GTIN=" + joined(gtins);
  auto fills = filled();
  auto begun = transactions();
  EXPECT_THAT(values(path), testing::SizeIs(gtins.size()));
  EXPECT_EQ(filled(), fills + of_page + 1) << "all rows, and the response";
  EXPECT_EQ(transactions(), begun + 2)
      << "one for all rows, one for the generation of the response";
  auto found = hits();
  EXPECT_THAT(values(path), testing::SizeIs(gtins.size()));
  EXPECT_EQ(hits(), found + 1) << "the response";
  // Another page with the same products, and their list, have the same rows.
  std::vector<std::string> reversed{gtins.rbegin(), gtins.rend()};
  values("/api/v1/shops/" + shop() + "/stock?GTIN=" + joined(reversed));
  values("/api/v1/products?GTIN=" + joined(gtins));
  EXPECT_EQ(hits(), found + 1 + of_page + static_cast<double>(gtins.size()));
  // A sale deletes one row, a rename another one.
  const auto reading = get("/api/v1/shops/" + shop() + "/stock/" + gtins[2]).row().at("id");
  ASSERT_EQ(
      post("/api/v1/stock-readings/" + reading + "/adjust", R"({"delta":-3})", staff()).status,
      200);
  ASSERT_EQ(patch("/api/v1/products/" + gtins[5], R"({"name":"Mate"})", admin()).status, 200);
  fills = filled();
  begun = transactions();
  const auto after = get(path).rows();
  EXPECT_EQ(filled(), fills + 2 + 1);
  EXPECT_EQ(transactions(), begun + 2);
  ASSERT_EQ(after.size(), gtins.size());
  EXPECT_EQ(after[2].at("quantity"), "0");
  EXPECT_EQ(after[2].at("available"), "false");
  EXPECT_EQ(after[5].at("name"), "\"Mate\"");
  EXPECT_EQ(after[4].at("name"), "\"Tea\"");
}

TEST_F(Pages, store_that_a_shop_does_not_have_a_product) {
  const auto& gtins = some_gtins();
  for (const auto& gtin : gtins) put("/api/v1/products/" + gtin, R"({"name":"Tea"})", admin());
  do_not_compare_reads();
  const auto path = "/api/v1/shops/" + shop() + "/stock?GTIN=" + joined(gtins);
  EXPECT_THAT(values(path), IsEmpty());
  const auto found = hits();
  const std::vector<std::string> reversed{gtins.rbegin(), gtins.rend()};
  EXPECT_THAT(values("/api/v1/shops/" + shop() + "/stock?GTIN=" + joined(reversed)), IsEmpty());
  EXPECT_EQ(hits(), found + 1 + 2 * static_cast<double>(gtins.size()));
  record(shop(), gtins[6], "");
  EXPECT_THAT(values(path), ElementsAre(quoted(gtins[6])));
  const auto reading = get("/api/v1/shops/" + shop() + "/stock/" + gtins[6]).row().at("id");
  ASSERT_EQ(del("/api/v1/stock-readings/" + reading, staff()).status, 204);
  for (int i = 0; i < 2; ++i) EXPECT_THAT(values(path), IsEmpty());
  ASSERT_EQ(post("/api/v1/stock-readings",
                 R"({"shop":)" + shop() + R"(,"GTIN":")" + gtins[6] + "\"}", staff())
                .status,
            201);
  EXPECT_THAT(values(path), ElementsAre(quoted(gtins[6]))) << "it is back";
  // A product that does not exist has no entry: a client can send any number.
  const auto items = memcached().ask("stats");
  EXPECT_THAT(values("/api/v1/shops/" + shop() + "/stock?GTIN=9520000000998"), IsEmpty());
  EXPECT_EQ(memcached().ask("get row1:reading:" + shop() + ":9520000000998"), "END");
  EXPECT_EQ(memcached().ask("get row1:product:9520000000998"), "END");
}

TEST_F(Pages, of_several_shops_are_lists_with_all_their_filters) {
  const auto& gtins = some_gtins();
  const auto south = other_shop("South");
  const auto west = other_shop("West");
  for (const auto& place : {shop(), south, west}) {
    for (std::size_t i = 0; i < 4; ++i)
      record(place, gtins[i],
             i == 2 ? R"("quantity":0)" : R"("expiry_date":"2080-12-2)" + std::to_string(i) + "\"");
  }
  const auto path = "/api/v1/stock-readings?shop=" + south + "," + shop() +
                    ",999&GTIN=" + joined({gtins[2], gtins[0], gtins[9]});
  const auto pairs = [&](const std::string& query) {
    std::vector<std::pair<std::string, std::string>> found;
    for (auto next = query; !next.empty();) {
      const auto page = get(next);
      EXPECT_EQ(page.status, 200) << next << page.body;
      for (const auto& row : page.rows()) found.emplace_back(row.at("shop"), row.at("GTIN"));
      next = page.next_page();
    }
    return found;
  };
  using Pair = std::pair<std::string, std::string>;
  const Pair north0{shop(), quoted(gtins[0])};
  const Pair north2{shop(), quoted(gtins[2])};
  const Pair south0{south, quoted(gtins[0])};
  const Pair south2{south, quoted(gtins[2])};
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(pairs(path), ElementsAre(north0, north2, south0, south2)) << "in the order of ids";
    EXPECT_THAT(pairs(path + "&limit=3"), ElementsAre(north0, north2, south0, south2));
    EXPECT_THAT(pairs(path + "&in_stock=true"), ElementsAre(north0, south0));
    EXPECT_THAT(pairs(path + "&available=false"), ElementsAre(north2, south2));
    EXPECT_THAT(pairs(path + "&ordering=-expiry_date&limit=1"),
                ElementsAre(south0, north0, south2, north2));
  }
  EXPECT_EQ(get(path).body, get(path + "&limit=100").body);
  EXPECT_EQ(get("/api/v1/stock-readings?shop=" + west + "&GTIN=" + gtins[1]).rows().size(), 1U);
  EXPECT_EQ(get("/api/v1/stock-readings?shop=999&GTIN=" + gtins[1]).body, "[]");
  EXPECT_EQ(get("/api/v1/stock-readings?ordering=-updated_at&shop=1,2").status, 400);
  // More pairs than rows of a page are a list too.
  std::string shops = shop();
  for (int i = 0; i < 60; ++i) shops += "," + std::to_string(1000 + i);
  EXPECT_EQ(pairs("/api/v1/stock-readings?shop=" + shops + "&GTIN=" + gtins[0] + "," + gtins[2]),
            (std::vector{north0, north2}));
}

TEST_F(Pages, of_products_are_in_the_order_of_their_numbers) {
  const auto& gtins = some_gtins();
  for (std::size_t i = 0; i < 4; ++i)
    put("/api/v1/products/" + gtins[i],
        R"({"name":"Tea","brand":"B)" + std::to_string(i % 2) + "\"}", admin());
  const auto path = "/api/v1/products?GTIN=" + joined({gtins[3], gtins[0], gtins[9], gtins[3]});
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(values(path), ElementsAre(quoted(gtins[0]), quoted(gtins[3])));
    EXPECT_THAT(values(path + "&limit=1"), ElementsAre(quoted(gtins[0])));
    EXPECT_THAT(values(path + "&brand=B1"), ElementsAre(quoted(gtins[3])));
  }
  ASSERT_EQ(del("/api/v1/products/" + gtins[3], admin()).status, 204);
  EXPECT_THAT(values(path), ElementsAre(quoted(gtins[0])));
  EXPECT_EQ(put("/api/v1/products/" + gtins[3], R"({"name":"Back"})", admin()).status, 201);
  EXPECT_THAT(values(path, "name"), ElementsAre("\"Tea\"", "\"Back\""));
}

TEST_F(Pages, say_what_is_wrong_with_a_request) {
  const auto& gtins = some_gtins();
  record(shop(), gtins[0], "");
  const auto stock = "/api/v1/shops/" + shop() + "/stock";
  const auto refused = [&](const std::string& path, const std::string& sentence,
                           const std::string& parameter = "GTIN") {
    const auto response = get(path);
    EXPECT_EQ(response.status, 400) << path << response.body;
    EXPECT_EQ(response.text("type"), "urn:codasync:problem:bad-query") << path;
    EXPECT_THAT(response.body, HasSubstr(quoted(parameter) + ":[")) << path;
    EXPECT_THAT(response.body, HasSubstr(sentence)) << path;
  };
  std::string hundred = gtins[0];
  for (int i = 1; i < 100; ++i) hundred += "," + gtins[0];
  for (const auto& path : {stock + "?GTIN=", std::string{"/api/v1/products?GTIN="},
                           "/api/v1/stock-readings?shop=" + shop() + "&GTIN="}) {
    EXPECT_EQ(get(path + hundred).status, 200);
    refused(path + hundred + "," + gtins[0], "At most 100 values are allowed.");
    refused(path + gtins[0] + ",9520000000012", R"(\"9520000000012\": )");
    refused(path + "9520000000012," + gtins[0], R"(\"9520000000012\": )");
    refused(path + gtins[0] + ",,", R"(\"\": )");
    refused(path + gtins[0] + "&GTIN=" + gtins[1], "repeated");
    refused(path, "GTIN");
    EXPECT_EQ(get(path + gtins[0] + "&gtin=" + gtins[1]).status, 400);
    EXPECT_EQ(get(path + gtins[0] + "%2C" + gtins[1]).status, 200) << "an escaped comma";
    EXPECT_EQ(get(path + gtins[0] + "%").status, 400);
  }
  refused(stock, "This parameter is required");
  refused(stock + "?limit=2&GTIN=" + gtins[0], "Known parameters: GTIN.", "limit");
  refused("/api/v1/stock-readings?shop=1,x&GTIN=" + gtins[0], R"(\"x\": )", "shop");
  refused("/api/v1/stock-readings?shop=1,0", R"(\"0\": )", "shop");
  for (const auto* path : {"/api/v1/shops/999/stock?GTIN=", "/api/v1/shops/x/stock?GTIN=",
                           "/api/v1/shops/0/stock?GTIN="}) {
    const auto missing = get(path + gtins[0]);
    EXPECT_EQ(missing.status, 404) << path;
    EXPECT_EQ(missing.text("type"), "urn:codasync:problem:not-found");
  }
  EXPECT_EQ(post(stock + "?GTIN=" + gtins[0], "{}", staff()).status, 405);
  // A shop that was closed is unknown too.
  const auto south = other_shop("South");
  const auto closed = "/api/v1/shops/" + south + "/stock?GTIN=" + gtins[0];
  EXPECT_EQ(get(closed).status, 200);
  ASSERT_EQ(del("/api/v1/shops/" + south, admin()).status, 204);
  EXPECT_EQ(get(closed).status, 404);
}

// The rows of a page come from several instances and the reverse proxy.
TEST_F(Pages, show_each_acknowledged_write_on_every_instance) {
  start_second_instance();
  auto& edge = start_edge();
  do_not_compare_reads();
  const auto& gtins = some_gtins();
  for (const auto& gtin : gtins) record(shop(), gtin, R"("quantity":1000)");
  std::vector<std::string> ids;
  for (const auto& row : get("/api/v1/stock-readings?shop=" + shop()).rows())
    ids.push_back(row.at("id"));
  const auto path = "/api/v1/shops/" + shop() + "/stock?GTIN=" + joined(gtins);
  std::atomic<bool> stop{false};
  std::vector<std::jthread> readers;
  for (std::size_t i = 0; i < 2; ++i) {
    readers.emplace_back([&, i] {
      Connection own{*this, i};
      std::vector<long> newest(gtins.size(), 0);
      while (!stop) {
        const auto rows = own.send("GET", path, "", {}).rows();
        ASSERT_EQ(rows.size(), gtins.size());
        for (std::size_t r = 0; r < rows.size(); ++r) {
          const auto version = std::stol(rows[r].at("version"));
          EXPECT_GE(version, newest[r]) << "a read went back";
          newest[r] = version;
        }
      }
    });
  }
  Connection through_nginx{edge.port()};
  Connection second{*this, 1};
  for (std::size_t round = 0; round < 120; ++round) {
    const auto place = round % ids.size();
    const auto written = (round % 2 == 0 ? through_nginx : second)
                             .send("POST", "/api/v1/stock-readings/" + ids[place] + "/adjust",
                                   R"({"delta":-1})", staff());
    ASSERT_EQ(written.status, 200) << written.body;
    const auto rows = (round % 3 == 0 ? through_nginx : second).send("GET", path, "", {}).rows();
    ASSERT_EQ(rows.size(), gtins.size());
    EXPECT_EQ(rows[place].at("quantity"), written.row().at("quantity"));
  }
  stop = true;
}

}  // namespace
}  // namespace codasync::test
