#include <gmock/gmock.h>

#include <set>

#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

using testing::IsEmpty;
using Set = std::set<std::string>;

class Lists : public ServiceTest {
 protected:
  /// Returns: the values of a field in all rows of a list, page by page.
  Set all(std::string path, const std::string& field = "GTIN") {
    Set found;
    for (int page = 0; page < 100 && !path.empty(); ++page) {
      const auto response = get(path, admin());
      EXPECT_EQ(response.status, 200) << path << response.body;
      for (const auto& row : response.rows())
        EXPECT_TRUE(found.insert(row.at(field)).second) << "twice: " << row.at(field) << path;
      path = response.next_page();
    }
    return found;
  }

  void record(const std::string& shop_number, const std::string& gtin, const std::string& fields) {
    const auto response = post("/api/v1/stock-readings",
                               R"({"shop":)" + shop_number + R"(,"GTIN":")" + gtin +
                                   R"(","name":"Tea")" + (fields.empty() ? "" : ",") + fields + "}",
                               staff());
    ASSERT_EQ(response.status, 201) << response.body;
  }

  static std::string quoted(const std::string& text) { return "\"" + text + "\""; }
  static Set quoted(const std::vector<std::string>& texts) {
    Set out;
    for (const auto& text : texts) out.insert(quoted(text));
    return out;
  }

  void expect_bad_query(const std::string& path, const std::string& parameter,
                        const std::string& sentence) {
    const auto response = get(path, admin());
    EXPECT_EQ(response.status, 400) << path;
    EXPECT_EQ(response.text("type"), "urn:codasync:problem:bad-query") << path;
    EXPECT_EQ(response.text_after("\"" + parameter + "\":[\"", "\""), sentence) << path;
  }
};

TEST_F(Lists, are_filtered_by_both_values_of_a_flag) {
  patch("/api/v1/shops/" + shop(), R"({"time_zone":"Pacific/Kiritimati"})", admin());
  const auto day = [&](const std::string& offset) {
    return R"("expiry_date":")" +
           database().run("select (now() at time zone 'Pacific/Kiritimati')::date" + offset) + "\"";
  };
  const auto& gtins = some_gtins();
  record(shop(), gtins[0], "");
  record(shop(), gtins[1], R"("quantity":0)");
  record(shop(), gtins[2], R"("quantity":5)");
  record(shop(), gtins[3], day(" - 1"));
  record(shop(), gtins[4], day(" - 1") + R"(,"quantity":0)");
  record(shop(), gtins[5], day("") + R"(,"quantity":0)");
  record(shop(), gtins[6], day(" + 1") + R"(,"quantity":2)");

  const auto of = [&](std::initializer_list<std::size_t> indices) {
    Set out;
    for (const auto i : indices) out.insert(quoted(gtins[i]));
    return out;
  };
  struct Case {
    const char* query;
    Set expected;
  };
  const std::vector<Case> cases{
      {"", of({0, 1, 2, 3, 4, 5, 6})},
      {"&in_stock=true", of({0, 2, 3, 6})},
      {"&in_stock=1", of({0, 2, 3, 6})},
      {"&in_stock=false", of({1, 4, 5})},
      {"&in_stock=0", of({1, 4, 5})},
      {"&expired=true", of({3, 4})},
      {"&expired=false", of({0, 1, 2, 5, 6})},
      {"&expired=false&in_stock=true", of({0, 2, 6})},
      {"&expired=false&in_stock=false", of({1, 5})},
      {"&expired=true&in_stock=true", of({3})},
      {"&expired=true&in_stock=false", of({4})},
      {"&available=true", of({0, 2, 6})},
      {"&available=1", of({0, 2, 6})},
      {"&available=false", of({1, 3, 4, 5})},
      {"&available=0", of({1, 3, 4, 5})},
      {"&available=false&expired=false", of({1, 5})},
      {"&available=false&in_stock=true", of({3})},
      {"&available=true&expired=true", of({})},
      {"&available=true&in_stock=false", of({})},
  };
  int refusals = 0;
  for (const auto* where : {"?limit=1000", "?limit=2", "?limit=3&ordering=expiry_date",
                            "?limit=3&ordering=-expiry_date", "?limit=1&ordering=name"}) {
    for (const auto& [query, expected] : cases) {
      const auto path = std::string{"/api/v1/stock-readings"} + where;
      // Over all shops some orders are refused; the next test names them.
      const auto refused = get(path + query).text_after("\"ordering\":[\"", "\"");
      if (refused.starts_with("This order is not possible")) {
        ++refusals;
      } else {
        EXPECT_EQ(all(path + query), expected) << where << query;
      }
      EXPECT_EQ(all(path + "&shop=" + shop() + query), expected) << where << query;
      EXPECT_EQ(all(path + "&shop=" + shop() + query), expected) << "again, from the cache";
    }
  }
  EXPECT_EQ(refusals, 16);
  for (const auto& row : get("/api/v1/stock-readings").rows()) {
    const auto is = [&](std::initializer_list<std::size_t> indices) {
      return of(indices).contains(row.at("GTIN")) ? "true" : "false";
    };
    EXPECT_EQ(row.at("available"), is({0, 2, 6})) << row.at("GTIN");
    EXPECT_EQ(row.at("expired"), is({3, 4})) << row.at("GTIN");
  }
  for (const auto& [query, expected] : cases) {
    const Set one = expected.contains(quoted(gtins[4])) ? of({4}) : Set{};
    EXPECT_EQ(all("/api/v1/stock-readings?GTIN=" + gtins[4] + query), one) << query;
  }
}

TEST_F(Lists, of_a_product_in_all_shops_have_parameters) {
  const auto gtin = some_gtins()[0];
  const auto path = "/api/v1/products/" + gtin + "/stock";
  Set in_stock;
  Set sold_out;
  for (int i = 0; i < 5; ++i) {
    const auto made =
        post("/api/v1/shops", R"({"name":"S)" + std::to_string(i) + "\"}", admin()).row().at("id");
    record(made, gtin, i % 2 == 0 ? R"("quantity":0)" : i == 1 ? "" : R"("quantity":3)");
    (i % 2 == 0 ? sold_out : in_stock).insert(made);
  }
  auto everywhere = in_stock;
  everywhere.insert(sold_out.begin(), sold_out.end());
  auto& edge = start_edge();
  Connection through_nginx{edge.port()};
  for (int round = 0; round < 2; ++round) {  // the second round reads from the cache
    EXPECT_EQ(all(path, "shop"), everywhere);
    EXPECT_EQ(all(path + "/?", "shop"), everywhere);
    EXPECT_EQ(all(path + "?in_stock=true", "shop"), in_stock);
    EXPECT_EQ(all(path + "?in_stock=false", "shop"), sold_out);
    EXPECT_EQ(all(path + "?limit=2", "shop"), everywhere);
    EXPECT_EQ(all(path + "?limit=1&in_stock=false", "shop"), sold_out);
    EXPECT_EQ(through_nginx.send("GET", path, "", {}).rows().size(), 5U);
    EXPECT_EQ(through_nginx.send("GET", path + "?limit=2", "", {}).rows().size(), 2U);
    EXPECT_EQ(through_nginx.send("GET", path + "?bogus=1", "", {}).status, 400);
  }
  EXPECT_TRUE(get(path + "?limit=2").next_page().starts_with(path + "?limit=2&cursor="));
  expect_bad_query(path + "?in_stock=true&limit=1&bogus=1", "bogus",
                   "Unknown parameter. Known parameters: in_stock, limit, cursor, count.");
  expect_bad_query(path + "?limit=0", "limit", "This must be a whole number from 1 to 1000.");
  expect_bad_query(path + "?cursor=x", "cursor", "Invalid cursor.");
  EXPECT_EQ(get("/api/v1/products/96385074/stock?in_stock=true").status, 404);
}

TEST_F(Lists, treat_an_empty_text_as_absent_because_forms_send_every_field) {
  put("/api/v1/products/96385074", R"({"name":"Sea salt","brand":"Sel","category":"Spices"})",
      admin());
  a_reading("96385074");
  const auto one = quoted(std::vector<std::string>{"96385074"});
  for (const auto* query : {"?search=", "?category=", "?brand=", "?search=&category=&brand=",
                            "?search=%20", "?search=%20&brand=Sel", "?brand=%20Sel%20",
                            "?category=%C2%A0", "?search=&category=Spices"})
    EXPECT_EQ(all(std::string{"/api/v1/products"} + query), one) << query;
  EXPECT_THAT(all("/api/v1/products?search=&brand=Other"), IsEmpty());
  for (const auto* query : {"?category=", "?category=&ordering=", "?category=%20Spices"})
    EXPECT_EQ(all(std::string{"/api/v1/stock-readings"} + query), one) << query;
  for (const auto* parameter : {"shop", "GTIN", "expired", "in_stock", "available", "limit",
                                "expires_before", "not_checked_since", "cursor"}) {
    EXPECT_EQ(get("/api/v1/stock-readings?" + std::string{parameter} + "=").status, 400)
        << parameter << " is not a text";
  }
}

TEST_F(Lists, and_all_other_addresses_refuse_unknown_parameters) {
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto none = "Unknown parameter. This address takes no parameters.";
  const std::vector<std::string> singles{"/api/v1/shops/" + shop(),
                                         "/api/v1/products/4006381333931",
                                         reading,
                                         "/api/v1/shops/" + shop() + "/stock/4006381333931",
                                         "/api/v1/tokens/1",
                                         "/api/v1/tokens/self"};
  auto& edge = start_edge();
  Connection through_nginx{edge.port()};
  for (const auto& path : singles) {
    for (const auto& slash : {"", "/"}) {
      ASSERT_EQ(get(path + slash, admin()).status, 200) << path;
      EXPECT_EQ(get(path + slash + "?", admin()).status, 200) << path;
      expect_bad_query(path + slash + "?bogus=1", "bogus", none);
      expect_bad_query(path + slash + "?limit=1", "limit", none);
      EXPECT_EQ(through_nginx.send("GET", path + slash, "", admin()).status, 200);
      EXPECT_EQ(through_nginx.send("GET", path + slash + "?bogus=1", "", admin()).status, 400);
    }
  }
  expect_bad_query("/api/v1/stock-readings?colour=red", "colour",
                   "Unknown parameter. Known parameters: shop, GTIN, category, expires_before, "
                   "expires_after, expired, in_stock, available, not_checked_since, ordering, "
                   "limit, cursor, count.");

  const auto before = database().run(
      "select (select count(*) from stock_events), (select count(*) from shops),"
      " (select count(*) from products where removed_at is null), (select count(*) from tokens)");
  struct Write {
    const char* method;
    std::string path;
    std::string body;
  };
  const std::vector<Write> writes{
      {"POST", "/api/v1/shops", R"({"name":"South"})"},
      {"PUT", "/api/v1/shops/" + shop(), R"({"name":"South"})"},
      {"PATCH", "/api/v1/shops/" + shop(), R"({"name":"South"})"},
      {"DELETE", "/api/v1/shops/" + shop(), ""},
      {"POST", "/api/v1/products", R"({"GTIN":"96385074","name":"Salt"})"},
      {"PUT", "/api/v1/products/96385074", R"({"name":"Salt"})"},
      {"PATCH", "/api/v1/products/4006381333931", R"({"name":"Salt"})"},
      {"DELETE", "/api/v1/products/4006381333931", ""},
      {"POST", "/api/v1/stock-readings", R"({"shop":1,"GTIN":"4006381333931","quantity":1})"},
      {"PATCH", reading, R"({"quantity":1})"},
      {"POST", reading + "/adjust", R"({"delta":1})"},
      {"DELETE", reading, ""},
      {"DELETE", reading + "/history/01a2267e-de7b-7ba7-b128-66228b07008a", ""},
      {"POST", "/api/v1/tokens", R"({"name":"t","role":"staff"})"},
      {"DELETE", "/api/v1/tokens/1", ""},
  };
  for (const auto& [method, path, body] : writes) {
    const auto response = send(method, path + "?bogus=1", body, admin());
    EXPECT_EQ(response.status, 400) << method << path;
    EXPECT_EQ(response.text("type"), "urn:codasync:problem:bad-query") << method << path;
    const bool shop_deletion = std::string{method} == "DELETE" && path.starts_with("/api/v1/shops");
    EXPECT_EQ(response.text_after("\"bogus\":[\"", "\""),
              shop_deletion ? "Unknown parameter. Known parameters: cascade." : none)
        << method << path;
  }
  const auto cascade = del("/api/v1/products/4006381333931?cascade=true", admin());
  EXPECT_EQ(cascade.status, 400);
  EXPECT_EQ(cascade.text_after("\"cascade\":[\"", "\""), none);
  EXPECT_EQ(database().run("select (select count(*) from stock_events), (select count(*) from "
                           "shops), (select count(*) from products where removed_at is null),"
                           " (select count(*) from tokens)"),
            before);
}

TEST_F(Lists, of_tokens_have_opaque_cursors) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(
        post("/api/v1/tokens", R"({"role":"staff","name":"t)" + std::to_string(i) + "\"}", admin())
            .status,
        201);
  }
  EXPECT_EQ(all("/api/v1/tokens?limit=2", "name").size(), 7U);
  const auto next = get("/api/v1/tokens?limit=2", admin()).next_page();
  EXPECT_FALSE(next.ends_with("cursor=2")) << next;
  expect_bad_query("/api/v1/tokens?cursor=2", "cursor", "Invalid cursor.");
}

TEST_F(Lists, of_brands_and_categories_follow_the_catalogue) {
  const auto path = [&](const std::string& gtin) { return "/api/v1/products/" + gtin; };
  const auto expect_groups = [&](const std::string& kind, const std::string& body) {
    EXPECT_EQ(get("/api/v1/" + kind).body, body);
    EXPECT_EQ(get("/api/v1/" + kind + "/").body, body) << "again, from the cache";
  };
  expect_groups("categories", "[]");
  put(path("96385074"), R"({"name":"Sea salt","brand":"Sel","category":"Spices"})", admin());
  put(path("4006381333931"), R"({"name":"Äpfel","category":"Fruit"})", admin());
  expect_groups("brands", R"([{"name":"Sel","products":1}])");
  expect_groups("categories", R"([{"name":"Fruit","products":1},{"name":"Spices","products":1}])");
  patch(path("4006381333931"), R"({"category":"Spices","brand":"école"})", admin());
  expect_groups("brands", R"([{"name":"école","products":1},{"name":"Sel","products":1}])");
  expect_groups("categories", R"([{"name":"Spices","products":2}])");
  EXPECT_EQ(all("/api/v1/brands?limit=1", "name"), (Set{"\"école\"", "\"Sel\""}));
  EXPECT_EQ(del(path("96385074"), admin()).status, 204);
  expect_groups("categories", R"([{"name":"Spices","products":1}])");
  expect_bad_query("/api/v1/brands?limit=1&search=x", "search",
                   "Unknown parameter. Known parameters: limit, cursor, count.");
  expect_bad_query("/api/v1/brands?cursor=x", "cursor", "Invalid cursor.");
}

TEST_F(Lists, are_one_cache_entry_for_all_spellings_of_a_question) {
  for (const auto& gtin : {some_gtins()[0], some_gtins()[1], some_gtins()[2]}) a_reading(gtin);
  auto& edge = start_edge();
  Connection through_nginx{edge.port()};
  struct Question {
    std::string path;
    std::vector<std::string> spellings;
  };
  const std::vector<Question> questions{
      {"/api/v1/stock-readings",
       {"shop=" + shop() + "&limit=2&expired=false", "expired=0&limit=2&shop=" + shop(),
        "&limit=2.0&&%73hop=" + shop() + "&expired=false&ordering=id&category=",
        "expired=false&shop=" + shop() + "," + shop() + "&limit=%32"}},
      {"/api/v1/products",
       {"search=tea%20green&ordering=GTIN", "search=%20green%20tea%20",
        "search=tea%20%20green&limit=100", "brand=&search=green%20tea&category="}},
      {"/api/v1/categories", {"limit=100", "", "&", "limit=100.0"}},
      {"/api/v1/shops", {"", "limit=100", "limit=100&"}}};
  for (const auto& [path, spellings] : questions) {
    const auto hits = metric(R"(codasync_cache_reads_total{path="hit"})");
    const auto filled = metric(R"(codasync_cache_reads_total{path="filled"})");
    const auto first = get(path + "?" + spellings[0]);
    ASSERT_EQ(first.status, 200) << path << first.body;
    for (const auto& spelling : spellings) {
      for (const auto& again : {get(path + "?" + spelling),
                                through_nginx.send("GET", path + "/?" + spelling, "", {})}) {
        EXPECT_EQ(again.body, first.body) << path << "?" << spelling;
        EXPECT_EQ(again.header("ETag"), first.header("ETag")) << path << "?" << spelling;
        EXPECT_EQ(again.header("Link"), first.header("Link")) << path << "?" << spelling;
      }
    }
    EXPECT_EQ(metric(R"(codasync_cache_reads_total{path="filled"})"), filled + 1) << path;
    EXPECT_EQ(metric(R"(codasync_cache_reads_total{path="hit"})"),
              hits + 2 * static_cast<double>(spellings.size()))
        << path;
  }
}

TEST_F(Lists, have_a_total_on_request_which_is_the_number_of_their_rows) {
  const auto& gtins = some_gtins();
  const auto south = post("/api/v1/shops", R"({"name":"South"})", admin()).row().at("id");
  for (std::size_t i = 0; i < 5; ++i) {
    put("/api/v1/products/" + gtins[i],
        R"({"name":"Tea )" + std::to_string(i) + R"(","brand":"B)" + std::to_string(i % 2) +
            R"(","category":"C"})",
        admin());
    record(i == 4 ? south : shop(), gtins[i],
           R"("quantity":)" + std::to_string(i % 2) + R"(,"expiry_date":"2020-01-0)" +
               std::to_string(i + 1) + "\"");
  }
  for (const auto& path : std::vector<std::string>{
           "/api/v1/shops?", "/api/v1/products?", "/api/v1/products?search=tea%202&",
           "/api/v1/products?brand=B1&", "/api/v1/products?category=none&", "/api/v1/categories?",
           "/api/v1/brands?", "/api/v1/stock-readings?", "/api/v1/stock-readings?shop=1&",
           "/api/v1/stock-readings?shop=1&in_stock=true&", "/api/v1/stock-readings?expired=true&",
           "/api/v1/stock-readings?expired=false&shop=1&", "/api/v1/stock-readings?shop=1,2&",
           "/api/v1/stock-readings?category=C&ordering=name&shop=1&",
           "/api/v1/stock-readings?expires_before=2020-01-03&ordering=expiry_date&",
           "/api/v1/stock-readings?shop=1&ordering=-updated_at&",
           "/api/v1/products/" + gtins[0] + "/stock?"}) {
    const std::string field = path.find("stock") != std::string::npos      ? "id"
                              : path.find("products") != std::string::npos ? "GTIN"
                                                                           : "name";
    const auto rows = std::to_string(all(path + "limit=2", field).size());
    EXPECT_EQ(get(path).header("Total-Count"), "") << path;
    EXPECT_EQ(get(path + "count=false").header("Total-Count"), "") << path;
    for (int again = 0; again < 2; ++again) {  // the second one may be from the cache
      const auto first = get(path + "limit=1&count=true");
      EXPECT_EQ(first.header("Total-Count"), rows) << path;
      EXPECT_EQ(first.header("Link").find("count"), std::string::npos) << path;
    }
    EXPECT_EQ(get(path + "count=yes").status, 400) << path;
  }
  const auto total = [&] {
    return get("/api/v1/stock-readings?shop=1&count=true").header("Total-Count");
  };
  EXPECT_EQ(total(), "4");
  record(shop(), gtins[7], "");
  EXPECT_EQ(total(), "5");
}

TEST_F(Lists, refuse_an_order_that_no_index_has_and_say_which_ones_are_possible) {
  const std::string start =
      "This order is not possible with these filters over all shops. Add `shop` with one shop, or "
      "omit `ordering`";
  const std::string list = "/api/v1/stock-readings?";
  expect_bad_query(list + "expired=true&ordering=id", "ordering",
                   start + "; possible: expiry_date, -expiry_date.");
  expect_bad_query(list + "category=Tea&ordering=expiry_date", "ordering",
                   start + "; possible: name.");
  expect_bad_query(list + "in_stock=false&ordering=name", "ordering", start + "; possible: id.");
  expect_bad_query(list + "not_checked_since=2026-01-01T00:00:00Z&ordering=name", "ordering",
                   start + ".");
  expect_bad_query(list + "GTIN=96385074&ordering=name", "ordering", start + ".");
  expect_bad_query(list + "shop=1,2&ordering=-updated_at", "ordering",
                   "-updated_at requires the parameter `shop` too, with one shop.");
  for (const auto* query : {"expired=true&ordering=id", "category=Tea&ordering=expiry_date",
                            "in_stock=false&ordering=name",
                            "not_checked_since=2026-01-01T00:00:00Z&ordering=-updated_at",
                            "GTIN=96385074&ordering=name"})
    EXPECT_EQ(get(list + "shop=" + shop() + "&" + query).status, 200) << query;
  std::string shops = "1";
  for (int i = 2; i <= 20; ++i) shops += "," + std::to_string(i);
  std::string gtins = some_gtins()[0];
  for (std::size_t i = 1; i < some_gtins().size(); ++i) gtins += "," + some_gtins()[i];
  EXPECT_EQ(get(list + "shop=" + shops + "&GTIN=" + gtins + "&limit=1").status, 200);
}

TEST_F(Lists, of_products_are_ordered_by_name_or_gtin) {
  put("/api/v1/products/96385074", R"({"name":"Zucker"})", admin());
  put("/api/v1/products/4006381333931", R"({"name":"äpfel|1"})", admin());
  put("/api/v1/products/036000291452", R"({"name":"Apfel"})", admin());
  const auto order = [&](const std::string& query) {
    std::vector<std::string> found;
    for (auto path = "/api/v1/products?limit=1" + query; !path.empty();) {
      const auto page = get(path);
      EXPECT_EQ(page.status, 200) << path << page.body;
      found.push_back(page.row().empty() ? page.rows().at(0).at("name") : "");
      path = page.next_page();
    }
    return found;
  };
  using testing::ElementsAre;
  EXPECT_THAT(order("&ordering=name"), ElementsAre("\"Apfel\"", "\"äpfel|1\"", "\"Zucker\""));
  for (const auto* query : {"", "&ordering=GTIN", "&ordering="})
    EXPECT_THAT(order(query), ElementsAre("\"Zucker\"", "\"Apfel\"", "\"äpfel|1\"")) << query;
  const auto next = get("/api/v1/products?limit=1&ordering=name").next_page();
  expect_bad_query(next.substr(0, next.find("ordering")) + next.substr(next.find("cursor")),
                   "cursor", "Invalid cursor.");
  expect_bad_query("/api/v1/products?ordering=brand", "ordering",
                   "This must be one of: GTIN, name.");
}

class Tokens : public ServiceTest {};

TEST_F(Tokens, can_be_read_by_id_and_by_their_owner) {
  const auto end =
      to_string(std::chrono::floor<std::chrono::seconds>(now()) + std::chrono::hours{24});
  const auto made = post(
      "/api/v1/tokens",
      R"({"name":"Till","role":"staff","shops":[)" + shop() + R"(],"expires_at":")" + end + "\"}",
      admin());
  ASSERT_EQ(made.status, 201) << made.body;
  const httplib::Headers till{{"Authorization", "Bearer " + made.text("token")}};
  const auto path = made.header("Location");
  const auto self = get("/api/v1/tokens/self", till);
  EXPECT_EQ(self.status, 200);
  auto listed = get(path, admin()).row();
  auto own = self.row();
  for (auto* row : {&listed, &own}) EXPECT_EQ(row->erase("last_used_at"), 1U);
  EXPECT_EQ(own, listed);
  EXPECT_EQ(self.row().at("name"), "\"Till\"");
  EXPECT_EQ(self.row().at("role"), "\"staff\"");
  EXPECT_EQ(self.row().at("shops"), "[" + shop() + "]");
  EXPECT_EQ(self.row().at("expires_at"), "\"" + end + "\"");
  EXPECT_FALSE(self.row().contains("token"));
  EXPECT_EQ(get("/api/v1/tokens/self").status, 401);
  EXPECT_EQ(get(path).status, 401);
  EXPECT_EQ(get(path, till).status, 403);
  EXPECT_EQ(get("/api/v1/tokens/999999", admin()).status, 404);
  EXPECT_EQ(get("/api/v1/tokens/selfish", admin()).status, 404);
  EXPECT_EQ(del("/api/v1/tokens/self", admin()).status, 405);
  EXPECT_EQ(del(path, admin()).status, 204);
  EXPECT_EQ(get(path, admin()).status, 404);
  EXPECT_EQ(get("/api/v1/tokens/self", till).status, 401);
}

TEST_F(Tokens, are_only_for_shops_that_exist) {
  const auto south = post("/api/v1/shops", R"({"name":"South"})", admin()).row().at("id");
  const auto make = [&](const std::string& shops) {
    return post("/api/v1/tokens", R"({"name":"t","role":"staff","shops":)" + shops + "}", admin());
  };
  EXPECT_EQ(make("[]").status, 400) << "an empty list must not mean all shops";
  const auto made = make("[" + south + "," + shop() + "," + south + "]");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.row().at("shops"), "[" + shop() + "," + south + "]") << "each once";
  EXPECT_EQ(del("/api/v1/shops/" + south, admin()).status, 204);
  const auto count = database().run("select count(*) from tokens");
  for (const auto& [shops, sentence] :
       {std::pair{"[999]", "There is no shop with the id 999."},
        std::pair{"[1,999]", "There is no shop with the id 999."},
        std::pair{"[1001,1000]", "There are no shops with the ids 1000, 1001."}}) {
    const auto refused = make(shops);
    EXPECT_EQ(refused.status, 400) << shops << refused.body;
    EXPECT_NE(refused.body.find(R"("errors":{"shops":[")" + std::string{sentence}),
              std::string::npos)
        << refused.body;
  }
  EXPECT_EQ(make("[" + south + "]").status, 400) << "the shop was deleted";
  EXPECT_EQ(make("null").status, 400) << "null must not mean all shops";
  EXPECT_EQ(database().run("select count(*) from tokens"), count);
  const auto command = run({"token", "create", "--name", "t", "--role", "staff", "--shop", "999"});
  EXPECT_EQ(command.status, 2) << command.output;
  EXPECT_NE(command.output.find("--shop: There is no shop with the id 999."), std::string::npos)
      << command.output;
}

}  // namespace
}  // namespace codasync::test
