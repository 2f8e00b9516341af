#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

class Catalogue : public ServiceTest {};

TEST_F(Catalogue, creates_replaces_and_deletes_products) {
  EXPECT_EQ(put("/api/v1/products/96385074", R"({"name":"Salt","brand":"Sel","category":"Spices"})",
                admin())
                .status,
            201);
  const auto product = get("/api/v1/products/00000096385074");
  EXPECT_EQ(product.text("GTIN"), "96385074");
  EXPECT_EQ(product.text("brand"), "Sel");
  EXPECT_EQ(put("/api/v1/products/96385074", R"({"name":"Sea salt"})", admin()).status, 200);
  EXPECT_NE(get("/api/v1/products/96385074").body.find("\"brand\":null"), std::string::npos);
  EXPECT_EQ(post("/api/v1/products", R"({"GTIN":"96385074","name":"Salt"})", admin()).status, 409);
  EXPECT_EQ(del("/api/v1/products/96385074", admin()).status, 204);
  EXPECT_EQ(get("/api/v1/products/96385074").status, 404);
}

TEST_F(Catalogue, finds_products_by_words_brand_and_category) {
  put("/api/v1/products/96385074", R"({"name":"Sea salt 100%","brand":"Sel","category":"Spices"})",
      admin());
  EXPECT_NE(get("/api/v1/products?search=SALT%20sel").body.find("96385074"), std::string::npos);
  EXPECT_NE(get("/api/v1/products?search=100%25").body.find("96385074"), std::string::npos);
  EXPECT_EQ(get("/api/v1/products?search=sal_").body, "[]");
  EXPECT_NE(get("/api/v1/products?category=Spices").body.find("96385074"), std::string::npos);
  EXPECT_EQ(get("/api/v1/products?brand=Other").body, "[]");
}

TEST_F(Catalogue, finds_products_by_signs_of_any_width_and_with_any_white_space) {
  const auto found = [&](const std::string& search) {
    return get("/api/v1/products?search=" + search).rows().size();
  };
  const auto& gtins = some_gtins();
  const std::vector<std::string> names{"果汁100％", "Water 1000 ml", "a＿b",
                                       "axb",       "w＼x",          "Green tea"};
  for (std::size_t i = 0; i < names.size(); ++i)
    put("/api/v1/products/" + gtins[i], R"({"name":")" + names[i] + R"("})", admin());
  EXPECT_EQ(found("100%EF%BC%85"), 1U) << "U+FF05, the full-width %";
  EXPECT_EQ(found("100%25"), 1U);
  EXPECT_EQ(found("a%EF%BC%BFb"), 1U) << "U+FF3F, the full-width _";
  EXPECT_EQ(found("w%EF%BC%BCx"), 1U) << "U+FF3C, the full-width backslash";
  EXPECT_EQ(found("w%5Cx"), 1U);
  EXPECT_EQ(found("tea%E3%80%80green"), 1U) << "U+3000, the blank of Japanese keyboards";
  EXPECT_EQ(found("tea%C2%A0gr"), 1U) << "U+00A0, the no-break space of copied text";
}

TEST_F(Catalogue, finds_products_by_words_that_end_with_a_sigma_in_each_case) {
  put("/api/v1/products/" + some_gtins()[0], R"({"name":"ΕΛΛΑΣ 5"})", admin());
  put("/api/v1/products/" + some_gtins()[1], R"({"name":"Ελλάς 6"})", admin());
  const auto found = [&](const std::string& search) {
    return get("/api/v1/products?search=" + search).rows().size();
  };
  EXPECT_EQ(found("%CE%95%CE%9B%CE%9B%CE%91%CE%A3"), 2U) << "ΕΛΛΑΣ";
  EXPECT_EQ(found("%CE%B5%CE%BB%CE%BB%CE%AC%CF%82"), 2U) << "ελλάς";
  EXPECT_EQ(found("%CE%B5%CE%BB%CE%BB%CE%B1%CF%83"), 2U) << "ελλασ";
  EXPECT_EQ(found("%CE%91%CE%A3"), 0U) << "ΑΣ: no word begins with it";
}

TEST_F(Catalogue, updates_its_lists_with_each_change) {
  EXPECT_EQ(get("/api/v1/products?category=Spices").body, "[]");
  EXPECT_EQ(get("/api/v1/products?category=Spices").body, "[]");
  put("/api/v1/products/96385074", R"({"name":"Salt","category":"Spices"})", admin());
  EXPECT_NE(get("/api/v1/products?category=Spices").body.find("96385074"), std::string::npos);
  patch("/api/v1/products/96385074", R"({"category":null})", admin());
  EXPECT_EQ(get("/api/v1/products?category=Spices").body, "[]");
}

TEST_F(Catalogue, deletes_a_shop_with_readings_only_with_cascade) {
  const auto id = a_reading("4006381333931");
  EXPECT_EQ(del("/api/v1/products/4006381333931", admin()).status, 409);
  EXPECT_EQ(del("/api/v1/shops/" + shop(), admin()).status, 409);
  EXPECT_EQ(del("/api/v1/shops/" + shop() + "?cascade=true", admin()).status, 204);
  EXPECT_EQ(get("/api/v1/stock-readings/" + std::to_string(id)).status, 404);
  EXPECT_EQ(get("/api/v1/products/4006381333931/stock").body, "[]");
}

TEST_F(Catalogue, has_no_reading_of_a_deleted_shop_or_product_for_writes_by_id) {
  const auto expect_none = [&](const std::string& reading, const std::string& event) {
    for (const std::string when : {"", R"(,"observed_at":"2026-11-24T10:00:00Z")"}) {
      const auto with = [&](const std::string& field) { return "{" + field + when + "}"; };
      EXPECT_EQ(patch(reading, with(R"("quantity":1)"), staff()).status, 404) << when;
      EXPECT_EQ(post(reading + "/adjust", with(R"("delta":1)"), staff()).status, 404) << when;
    }
    EXPECT_EQ(del(reading, staff()).status, 404);
    EXPECT_EQ(del(event, staff()).status, 404);
  };
  const auto event_of = [&](const std::string& reading) {
    return reading + "/history/" + get(reading + "/history", staff()).text_after("\"id\":\"", "\"");
  };
  const auto path = [](std::int64_t id) { return "/api/v1/stock-readings/" + std::to_string(id); };

  const auto of_product = path(a_reading("96385074"));
  const auto first = event_of(of_product);
  ASSERT_EQ(del(of_product, staff()).status, 204);
  ASSERT_EQ(del("/api/v1/products/96385074", admin()).status, 204);
  expect_none(of_product, first);

  const auto of_shop = path(a_reading("4006381333931"));
  const auto second = event_of(of_shop);
  ASSERT_EQ(del("/api/v1/shops/" + shop() + "?cascade=true", admin()).status, 204);
  expect_none(of_shop, second);
}

TEST_F(Catalogue, refuses_a_shop_name_that_is_taken) {
  EXPECT_EQ(post("/api/v1/shops", R"({"name":"North"})", admin()).status, 409);
}

TEST_F(Catalogue, changes_only_the_version_of_if_match) {
  const auto path = "/api/v1/shops/" + shop();
  auto conditional = admin();
  conditional.emplace("If-Match", get(path).header("ETag"));
  EXPECT_EQ(patch(path, R"({"time_zone":"Europe/Zurich"})", conditional).status, 200);
  const auto stale = patch(path, R"({"time_zone":"Asia/Tokyo"})", conditional);
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(stale.header("ETag"), get(path).header("ETag"));
  EXPECT_EQ(stale.header("ETag"), "\"" + std::to_string(stale.number("version")) + "\"");
  EXPECT_EQ(get(path).text("time_zone"), "Europe/Zurich");
}

TEST_F(Catalogue, refuses_if_none_match_in_a_write) {
  const auto path = "/api/v1/shops/" + shop();
  auto conditional = admin();
  conditional.emplace("If-None-Match", "*");
  EXPECT_EQ(patch(path, R"({"time_zone":"Asia/Tokyo"})", conditional).status, 400);
  EXPECT_EQ(get(path).text("time_zone"), "UTC");
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  EXPECT_EQ(patch(reading, R"({"quantity":3})", conditional).status, 400);
}

TEST_F(Catalogue, compares_expiry_dates_in_the_time_zone_of_the_shop) {
  patch("/api/v1/shops/" + shop(), R"({"time_zone":"Pacific/Kiritimati"})", admin());
  const auto today = database().run("select (now() at time zone 'Pacific/Kiritimati')::date");
  const auto yesterday =
      database().run("select (now() at time zone 'Pacific/Kiritimati')::date - 1");
  const auto gtins = some_gtins();
  const auto put_date = [&](const std::string& gtin, const std::string& date) {
    return post("/api/v1/stock-readings",
                R"({"shop":)" + shop() + R"(,"GTIN":")" + gtin + R"(","name":"x","expiry_date":")" +
                    date + "\"}",
                staff())
        .status;
  };
  ASSERT_EQ(put_date(gtins[0], today), 201);
  ASSERT_EQ(put_date(gtins[1], yesterday), 201);
  const auto expired = get("/api/v1/stock-readings?expired=true&shop=" + shop()).body;
  EXPECT_EQ(expired.find(gtins[0]), std::string::npos) << "a product expires after its date";
  EXPECT_NE(expired.find(gtins[1]), std::string::npos);
}

}  // namespace
}  // namespace codasync::test
