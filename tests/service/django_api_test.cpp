#include "tests/service/service.hpp"

// Compatibility with clients of the Django service that CodaSync replaces. It has `shops` and
// `stock-readings` with the fields id, name, GTIN, shop and expiry_date.

namespace codasync::test {
namespace {

class ClientOfTheDjangoApi : public ServiceTest {};

TEST_F(ClientOfTheDjangoApi, creates_reads_changes_and_deletes_a_shop) {
  const auto created = post("/api/v1/shops/", R"({"name":"Corner"})", admin());
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.text("name"), "Corner");
  const auto path = "/api/v1/shops/" + std::to_string(created.number("id")) + "/";

  EXPECT_EQ(get(path).text("name"), "Corner");
  EXPECT_NE(get("/api/v1/shops/").body.find("\"Corner\""), std::string::npos);
  EXPECT_EQ(put(path, R"({"name":"Corner shop"})", admin()).status, 200);
  EXPECT_EQ(patch(path, R"({"name":"Kiosk"})", admin()).text("name"), "Kiosk");
  EXPECT_EQ(put(path, "{}", admin()).status, 400);
  EXPECT_EQ(del(path, admin()).status, 204);
  EXPECT_EQ(get(path).status, 404);
  EXPECT_EQ(del(path, admin()).status, 404);
}

TEST_F(ClientOfTheDjangoApi, creates_reads_changes_and_deletes_a_stock_reading) {
  const auto created = post("/api/v1/stock-readings/",
                            R"({"name":"Tea","GTIN":"4006381333931","shop":)" + shop() +
                                R"(,"expiry_date":"2026-12-24"})",
                            staff());
  EXPECT_EQ(created.status, 201) << created.body;
  const auto path = "/api/v1/stock-readings/" + std::to_string(created.number("id")) + "/";

  const auto read = get(path);
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.text("name"), "Tea");
  EXPECT_EQ(read.text("GTIN"), "4006381333931");
  EXPECT_EQ(std::to_string(read.number("shop")), shop());
  EXPECT_EQ(read.text("expiry_date"), "2026-12-24");
  EXPECT_EQ(get("/api/v1/stock-readings/").status, 200);
  EXPECT_EQ(get("/api/v1/stock-readings/").body.front(), '[');

  const auto whole = R"({"name":"Tea","GTIN":"4006381333931","shop":)" + shop() +
                     R"(,"expiry_date":"2026-12-20"})";
  EXPECT_EQ(put(path, whole, staff()).text("expiry_date"), "2026-12-20");
  EXPECT_EQ(put(path, R"({"name":"Tea"})", staff()).status, 400);
  EXPECT_EQ(patch(path, R"({"expiry_date":"2026-12-10"})", staff()).text("expiry_date"),
            "2026-12-10");
  EXPECT_EQ(del(path, staff()).status, 204);
  EXPECT_EQ(get(path).status, 404);
}

// This request crashed the Django API.
TEST_F(ClientOfTheDjangoApi, patches_without_an_expiry_date) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931")) + "/";
  for (const std::string body : {R"({"name":"Tea"})", R"({"GTIN":"4006381333931"})"}) {
    const auto patched = patch(path, body, staff());
    EXPECT_EQ(patched.status, 200) << body << patched.body;
    EXPECT_EQ(patched.text("expiry_date"), "2026-12-24");
  }
}

TEST_F(ClientOfTheDjangoApi, does_not_move_a_date_later_by_a_plain_write) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto later = patch(path, R"({"expiry_date":"2027-06-01"})", staff());
  EXPECT_EQ(later.status, 200);
  EXPECT_EQ(later.text("expiry_date"), "2026-12-24");
  EXPECT_EQ(later.text("outcome"), "kept");
}

TEST_F(ClientOfTheDjangoApi, gets_the_same_status_for_missing_rows_and_invalid_fields) {
  EXPECT_EQ(get("/api/v1/shops/999999/").status, 404);
  EXPECT_EQ(get("/api/v1/stock-readings/999999/").status, 404);
  EXPECT_EQ(get("/api/v1/shops/abc/").status, 404);
  EXPECT_EQ(post("/api/v1/shops/", "{}", admin()).status, 400);
  EXPECT_EQ(post("/api/v1/stock-readings/", R"({"expiry_date":"tomorrow"})", staff()).status, 400);
}

// The Django REST framework accepts these spellings, and they are unambiguous.
TEST_F(ClientOfTheDjangoApi, can_use_the_same_number_and_date_formats) {
  const auto recorded = [&](const std::string& shop_number, const std::string& gtin,
                            const std::string& fields) {
    return post(
        "/api/v1/stock-readings",
        R"({"shop":)" + shop_number + R"(,"GTIN":)" + gtin + R"(,"name":"Tea",)" + fields + "}",
        staff());
  };
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  int quantity = 10;
  for (const auto& text :
       {std::string{"@"}, std::string{"@.0"}, std::string{"\"@\""}, std::string{"\"@.0\""},
        std::string{"@e0"}, std::string{"@0e-1"}, std::string{"\" @\\n\""}}) {
    auto spelling = text;
    spelling.replace(spelling.find('@'), 1, std::to_string(++quantity));
    const auto response =
        recorded("\"" + shop() + "\"", "4006381333931", "\"quantity\":" + spelling);
    EXPECT_EQ(response.status, 200) << spelling << response.body;
    EXPECT_EQ(response.number("quantity"), quantity) << spelling;
  }
  EXPECT_EQ(recorded(shop() + ".0", "\"4006381333931\"", R"("quantity":1)").status, 200);
  EXPECT_EQ(post(path + "/adjust", R"({"delta":"-1"})", staff()).number("quantity"), 0);
  for (const auto* gtin :
       {R"(" 4006381333931")", R"("4006381333931\r\n")", R"("\ufeff4006381333931\u00a0")"}) {
    const auto response = recorded(shop(), gtin, R"("quantity":1)");
    EXPECT_EQ(response.status, 200) << gtin << response.body;
    EXPECT_EQ(response.text("GTIN"), "4006381333931") << gtin;
  }
  EXPECT_EQ(recorded(shop(), "4006381333931", R"("expiry_date":"2026-3-1")").text("expiry_date"),
            "2026-03-01");
  EXPECT_EQ(patch(path, R"({"expiry_date":"2026-02-9"})", staff()).text("expiry_date"),
            "2026-02-09");
  EXPECT_EQ(recorded(shop(), "4006381333931", R"("expiry_date":"2000-01-01")").text("expiry_date"),
            "2000-01-01");
}

}  // namespace
}  // namespace codasync::test
