#include "tests/service/service.hpp"

// Each field of each PUT and PATCH by itself: with a value, with null, and absent. ServiceTest
// compares all reads with the responses to the writes.

namespace codasync::test {
namespace {

class EachField : public ServiceTest {
 protected:
  /// A write, and the fields that it changes; all others stay.
  struct Case {
    std::string method;
    std::string body;
    int status;
    Row changed;
  };

  /// Sends each body to a row after a PUT of `base`, and compares the whole row.
  void expect(const std::string& path, const std::string& base, const std::vector<Case>& cases) {
    for (const auto& [method, body, status, changed] : cases) {
      const auto start = put(path, base, admin());
      ASSERT_LT(start.status, 300) << start.body;
      auto expected = start.row();
      const auto response = send(method, path, body, admin());
      EXPECT_EQ(response.status, status) << method << " " << body << " " << response.body;
      for (const auto& [field, value] : changed) expected[field] = value;
      auto row = get(path).row();
      for (auto* any : {&expected, &row}) {
        any->erase("version");
        any->erase("updated_at");
      }
      EXPECT_EQ(row, expected) << method << " " << body;
    }
  }
};

TEST_F(EachField, of_a_product_changes_alone) {
  expect("/api/v1/products/4006381333931", R"({"name":"Tea","brand":"Leaf","category":"Drinks"})",
         {
             {"PATCH", R"({"name":"Mate"})", 200, {{"name", "\"Mate\""}}},
             {"PATCH", R"({"brand":"Root"})", 200, {{"brand", "\"Root\""}}},
             {"PATCH", R"({"category":"Hot"})", 200, {{"category", "\"Hot\""}}},
             {"PATCH", R"({"brand":null})", 200, {{"brand", "null"}}},
             {"PATCH", R"({"category":null})", 200, {{"category", "null"}}},
             {"PATCH",
              R"({"name":"Mate","brand":null})",
              200,
              {{"name", "\"Mate\""}, {"brand", "null"}}},
             {"PATCH",
              R"({"brand":null,"category":"Hot"})",
              200,
              {{"brand", "null"}, {"category", "\"Hot\""}}},
             {"PATCH", R"({"name":null})", 400, {}},
             {"PUT",
              R"({"name":"Mate"})",
              200,
              {{"name", "\"Mate\""}, {"brand", "null"}, {"category", "null"}}},
             {"PUT", R"({"name":"Tea","brand":"Leaf"})", 200, {{"category", "null"}}},
             {"PUT", R"({"name":"Tea","category":"Drinks"})", 200, {{"brand", "null"}}},
             {"PUT",
              R"({"name":"Tea","brand":null,"category":null})",
              200,
              {{"brand", "null"}, {"category", "null"}}},
             {"PUT", R"({"brand":"Leaf","category":"Drinks"})", 400, {}},
             {"PUT", R"({"name":null,"brand":"Leaf"})", 400, {}},
         });
}

TEST_F(EachField, of_a_shop_changes_alone) {
  expect("/api/v1/shops/" + shop(), R"({"name":"North","time_zone":"Europe/Zurich"})",
         {
             {"PATCH", R"({"name":"South"})", 200, {{"name", "\"South\""}}},
             {"PATCH", R"({"time_zone":"UTC"})", 200, {{"time_zone", "\"UTC\""}}},
             {"PATCH", R"({"name":null})", 400, {}},
             {"PATCH", R"({"time_zone":null})", 400, {}},
             {"PATCH", R"({"name":"South","time_zone":null})", 400, {}},
             {"PUT", R"({"name":"South"})", 200, {{"name", "\"South\""}}},
             {"PUT",
              R"({"name":"South","time_zone":"UTC"})",
              200,
              {{"name", "\"South\""}, {"time_zone", "\"UTC\""}}},
             {"PUT", R"({"time_zone":"UTC"})", 400, {}},
             {"PUT", R"({"name":null,"time_zone":"UTC"})", 400, {}},
             {"PUT", R"({"name":"South","time_zone":null})", 400, {}},
         });
}

// A rename through a reading changes no other field of the product.
TEST_F(EachField, of_a_product_survives_a_rename_through_a_reading) {
  ASSERT_EQ(put("/api/v1/products/4006381333931",
                R"({"name":"Tea","brand":"Leaf","category":"Drinks"})", admin())
                .status,
            201);
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  ASSERT_EQ(patch(reading, R"({"name":"Mate"})", admin()).status, 200);
  const auto product = get("/api/v1/products/4006381333931").row();
  EXPECT_EQ(product.at("name"), "\"Mate\"");
  EXPECT_EQ(product.at("brand"), "\"Leaf\"");
  EXPECT_EQ(product.at("category"), "\"Drinks\"");
}

TEST_F(EachField, of_a_reading_changes_alone) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  ASSERT_EQ(
      patch(path, R"({"expiry_date":"2026-12-20","date_kind":"use_by","quantity":5})", staff())
          .status,
      200);
  const auto expect_row = [&](const std::string& body, const Row& changed) {
    auto expected = get(path).row();
    const auto response = patch(path, body, staff());
    EXPECT_EQ(response.status, 200) << body << response.body;
    for (const auto& [field, value] : changed) expected[field] = value;
    auto row = get(path).row();
    for (const auto* field : {"name", "expiry_date", "date_kind", "quantity"})
      EXPECT_EQ(row[field], expected[field]) << field << " after " << body;
  };
  expect_row(R"({"name":"Tea"})", {});
  expect_row(R"({"quantity":7})", {{"quantity", "7"}});
  expect_row(R"({"expiry_date":"2026-12-19"})",
             {{"expiry_date", "\"2026-12-19\""}, {"date_kind", "null"}});
  expect_row(R"({"expiry_date":"2026-12-18","date_kind":"best_before"})",
             {{"expiry_date", "\"2026-12-18\""}, {"date_kind", "\"best_before\""}});
}

TEST_F(EachField, of_a_response_can_be_sent_back) {
  const std::string product{"/api/v1/products/4006381333931"};
  ASSERT_EQ(put(product, R"({"name":"Tea","brand":"Leaf","category":null})", admin()).status, 201);
  const auto shop_path = "/api/v1/shops/" + shop();
  for (const auto& path : {product, shop_path}) {
    const auto before = get(path);
    for (const auto* method : {"PUT", "PATCH"}) {
      const auto response = send(method, path, before.body, admin());
      EXPECT_EQ(response.status, 200) << method << response.body;
      EXPECT_EQ(response.body, before.body) << method << ": nothing changed, so the version stays";
    }
  }
}

TEST_F(EachField, of_a_response_is_refused_when_it_cannot_belong_to_this_row) {
  const std::string product{"/api/v1/products/4006381333931"};
  const auto shop_path = "/api/v1/shops/" + shop();
  ASSERT_EQ(put(product, R"({"name":"Tea"})", admin()).status, 201);
  struct Refusal {
    std::string path;
    std::string field;
    std::string value;
    int status;
  };
  const std::vector<Refusal> cases{
      {product, "GTIN", "\"96385074\"", 422},  {product, "GTIN", "null", 400},
      {product, "GTIN", "\"x\"", 400},         {product, "restricted", "\"no\"", 400},
      {product, "restricted", "null", 400},    {product, "version", "\"x\"", 400},
      {product, "version", "0", 400},          {product, "version", "null", 400},
      {product, "updated_at", "7", 400},       {product, "updated_at", "\"nonsense\"", 400},
      {product, "updated_at", "null", 400},    {product, "id", "1", 400},
      {shop_path, "id", "999", 422},           {shop_path, "id", "null", 400},
      {shop_path, "id", "\"x\"", 400},         {shop_path, "version", "1.5", 400},
      {shop_path, "updated_at", "\"x\"", 400}, {shop_path, "GTIN", "\"4006381333931\"", 400},
  };
  for (const auto& [path, field, value, status] : cases) {
    const auto before = get(path).body;
    for (const auto* method : {"PUT", "PATCH"}) {
      const auto body = R"({"name":"Changed",")" + field + "\":" + value + "}";
      const auto response = send(method, path, body, admin());
      EXPECT_EQ(response.status, status) << method << " " << path << " " << body << response.body;
      EXPECT_NE(response.body.find("\"" + field + "\":["), std::string::npos) << response.body;
      EXPECT_EQ(get(path).body, before) << method << " " << path << " " << body;
    }
  }
}

TEST_F(EachField, that_is_unknown_is_reported_with_the_known_ones) {
  put("/api/v1/products/4006381333931", R"({"name":"Tea"})", admin());
  struct Unknown {
    const char* method;
    std::string path;
    const char* known;
  };
  const std::vector<Unknown> cases{
      {"POST", "/api/v1/products", "GTIN, name, brand, category"},
      {"PUT", "/api/v1/products/4006381333931", "GTIN, name, brand, category"},
      {"PATCH", "/api/v1/products/4006381333931", "GTIN, name, brand, category"},
      {"POST", "/api/v1/shops", "name, time_zone"},
      {"PUT", "/api/v1/shops/" + shop(), "name, time_zone"},
      {"PATCH", "/api/v1/shops/" + shop(), "name, time_zone"},
      {"POST", "/api/v1/tokens", "name, role, shops, expires_at, person"},
  };
  for (const auto& [method, path, known] : cases) {
    const auto response = send(method, path, R"({"nmae":"x"})", admin());
    EXPECT_EQ(response.status, 400) << path;
    EXPECT_EQ(response.text_after("\"nmae\":[\"", "\""),
              "Unknown field. Known fields: " + std::string{known} + ".")
        << method << " " << path;
  }
}

TEST_F(EachField, of_a_deletion_without_fields_is_refused) {
  const std::string product{"/api/v1/products/4006381333931"};
  ASSERT_EQ(put(product, R"({"name":"Tea"})", admin()).status, 201);
  const auto token = post("/api/v1/tokens", R"({"name":"Phone","role":"staff"})", admin());
  const auto token_path = "/api/v1/tokens/" + std::to_string(token.number("id"));
  for (const auto& path : {product, "/api/v1/shops/" + shop(), token_path}) {
    const auto unknown = send("DELETE", path, R"({"reason":"recalled"})", admin());
    EXPECT_EQ(unknown.status, 400) << path;
    EXPECT_EQ(unknown.text_after(R"("reason":[")", "\""),
              "Unknown field. This request has no fields.")
        << unknown.body;
    for (const auto* malformed : {"{", "[]", "reason=recalled"})
      EXPECT_EQ(send("DELETE", path, malformed, admin()).status, 400) << path << malformed;
    EXPECT_EQ(get(path, admin()).status, 200) << path;
    EXPECT_EQ(send("DELETE", path, "{}", admin()).status, 204) << path;
  }
}

TEST_F(EachField, that_is_absent_in_a_patch_does_not_change) {
  put("/api/v1/products/4006381333931", R"({"name":"Tea"})", admin());
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("9520000000004"));
  const std::vector<std::string> paths{"/api/v1/products/4006381333931", "/api/v1/shops/" + shop(),
                                       reading};
  for (const auto& path : paths) {
    const auto before = get(path);
    const auto nothing = patch(path, "{}", admin());
    EXPECT_EQ(nothing.status, 400);
    EXPECT_THAT(nothing.text("detail"), testing::StartsWith("Send at least one of these fields: "));
    const auto response = patch(path, R"({"version":1})", admin());
    EXPECT_EQ(response.status, 200) << path << response.body;
    EXPECT_EQ(response.header("ETag"), before.header("ETag"));
    EXPECT_EQ(get(path).body, before.body);
  }
  EXPECT_EQ(database().run("select count(*) from stock_events"), "1");
}

// Every row has a version that grows with its changes; a write can require one with If-Match.
TEST_F(EachField, changes_only_in_the_version_of_if_match) {
  const std::string product{"/api/v1/products/4006381333931"};
  ASSERT_EQ(put(product, R"({"name":"Tea"})", admin()).status, 201);
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto change = [&](const std::string& path, const std::string& tag, int number) {
    auto conditional = admin();
    conditional.emplace("If-Match", tag);
    const bool counted = path == reading;
    return patch(path,
                 counted ? R"({"quantity":)" + std::to_string(number) + "}"
                         : R"({"name":"N)" + std::to_string(number) + "\"}",
                 conditional);
  };
  for (const auto& path : {product, "/api/v1/shops/" + shop(), reading}) {
    const auto row = get(path).row();
    ASSERT_TRUE(row.contains("version")) << path;
    ASSERT_TRUE(row.contains("updated_at")) << path;
    const auto tag = "\"" + row.at("version") + "\"";
    EXPECT_EQ(change(path, tag, 1).status, 200) << path;
    const auto stale = change(path, tag, 2);
    EXPECT_EQ(stale.status, 412) << path;
    EXPECT_EQ(std::to_string(stale.number("version")), get(path).row().at("version")) << path;
    EXPECT_EQ(change(path, "\"" + std::to_string(stale.number("version")) + "\"", 3).status, 200);
    EXPECT_EQ(change(path, "\"999\", W/" + get(path).header("ETag"), 4).status, 200);
  }
  // A row that does not exist has no version.
  auto conditional = admin();
  conditional.emplace("If-Match", "\"1\"");
  const auto missing = put("/api/v1/products/96385074", R"({"name":"Salt"})", conditional);
  EXPECT_EQ(missing.status, 412);
  EXPECT_EQ(missing.text("detail"),
            "The product does not exist, so the condition in If-Match is not met.");
  const auto no_reading = post(
      "/api/v1/stock-readings",
      R"({"shop":)" + shop() + R"(,"GTIN":"96385074","name":"Salt","expiry_date":"2026-12-24"})",
      conditional);
  EXPECT_EQ(no_reading.status, 412);
  EXPECT_EQ(no_reading.text("detail"),
            "The reading does not exist or was removed, so the condition in If-Match is not met.");
  // The ETag of a reading contains the product's version too; its `version` does not.
  const auto tag = get(reading).header("ETag");
  const auto version = "\"" + get(reading).row().at("version") + "\"";
  ASSERT_EQ(patch(product, R"({"name":"Green tea"})", admin()).status, 200);
  EXPECT_EQ(change(reading, tag, 5).status, 412);
  EXPECT_EQ(change(reading, version, 6).status, 200);
}

TEST_F(EachField, that_is_a_name_is_trimmed_and_has_a_visible_character) {
  const std::string product{"/api/v1/products/4006381333931"};
  ASSERT_EQ(put(product, R"({"name":"Tea"})", admin()).status, 201);
  a_reading("4006381333931");
  const auto reading = "/api/v1/shops/" + shop() + "/stock/4006381333931";
  const auto reading_path = "/api/v1/stock-readings/" + get(reading).row().at("id");
  const auto shop_path = "/api/v1/shops/" + shop();
  struct Name {
    const char* method;
    std::string path;
    std::string body;  // @ is replaced by the name
    std::string field;
  };
  const std::vector<Name> names{
      {"POST", "/api/v1/shops", R"({"name":"@"})", "name"},
      {"PUT", shop_path, R"({"name":"@"})", "name"},
      {"PATCH", shop_path, R"({"name":"@"})", "name"},
      {"POST", "/api/v1/products", R"({"GTIN":"96385074","name":"@"})", "name"},
      {"PUT", product, R"({"name":"@"})", "name"},
      {"PATCH", product, R"({"name":"@"})", "name"},
      {"PATCH", product, R"({"brand":"@"})", "brand"},
      {"PATCH", product, R"({"category":"@"})", "category"},
      {"PATCH", reading_path, R"({"name":"@"})", "name"},
      {"POST", "/api/v1/stock-readings",
       R"({"shop":)" + shop() + R"(,"GTIN":"9520000000004","name":"@"})", "name"},
      {"POST", "/api/v1/tokens", R"({"name":"@","role":"staff"})", "name"},
  };
  int number = 0;
  for (const auto& name : names) {
    const auto send_name = [&](const std::string& value) {
      auto body = name.body;
      body.replace(body.find('@'), 1, value);
      return send(name.method, name.path, body, admin());
    };
    for (const auto* text : {"", " ", "\\u200b", "\\ufeff\\u00ad", "\\u0301", "\\ufe0f",
                             "a\\u202eb", "a\\u2066b", "a\\u0000b", "a\\nb"})
      EXPECT_EQ(send_name(text).status, 400) << name.path << " " << name.body << text;
    EXPECT_EQ(send_name(std::string(256, 'x')).text_after("[\"", "\""),
              "At most 255 characters are allowed.");
    const auto plain = "Café  " + std::to_string(++number);
    const auto response = send_name(" \\t\\u00a0" + plain + "\\u200b ");
    EXPECT_LT(response.status, 300) << name.path << response.body;
    EXPECT_EQ(response.text(name.field), plain) << name.path;
  }
}

TEST_F(EachField, that_is_a_reason_is_trimmed_too) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  ASSERT_EQ(patch(path, R"({"quantity":5})", staff()).status, 200);
  EXPECT_EQ(post(path + "/adjust", R"({"delta":-1,"reason":" \u200b "})", staff()).status, 400);
  EXPECT_EQ(post(path + "/adjust", R"({"delta":-1,"reason":"  sold  out\t"})", staff()).status,
            200);
  EXPECT_EQ(get(path + "/history", staff()).rows().at(0).at("reason"), "\"sold  out\"");
}

TEST_F(EachField, that_is_a_name_is_unique_without_surrounding_white_space) {
  EXPECT_EQ(post("/api/v1/shops", R"({"name":"Café"})", admin()).status, 201);
  for (const auto* name : {"Café ", " Café", "Café\\u00a0", "\\u200bCafé"}) {
    EXPECT_EQ(post("/api/v1/shops", std::string{R"({"name":")"} + name + "\"}", admin()).status,
              409)
        << name;
  }
  // White space around the known name is not a rename, which only an admin may do.
  a_reading("4006381333931");
  const auto path = "/api/v1/stock-readings/" +
                    get("/api/v1/shops/" + shop() + "/stock/4006381333931").row()["id"];
  EXPECT_EQ(put(path,
                R"({"shop":)" + shop() +
                    R"(,"GTIN":"4006381333931","name":"Tea ","expiry_date":"2026-12-24"})",
                staff())
                .status,
            200);
}

}  // namespace
}  // namespace codasync::test
