#include <gmock/gmock.h>

#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WorkList : public ServiceTest {
 protected:
  WorkList() { do_not_compare_reads(); }

  [[nodiscard]] std::string path() const { return "/api/v1/shops/" + shop() + "/work-list"; }
  [[nodiscard]] std::string thresholds() const { return "/api/v1/shops/" + shop() + "/thresholds"; }

  std::string record(const std::string& gtin, const std::string& fields, int status = 201) {
    const auto response = post("/api/v1/stock-readings",
                               R"({"shop":)" + shop() + R"(,"GTIN":")" + gtin +
                                   R"(","name":"Tea")" + (fields.empty() ? "" : ",") + fields + "}",
                               staff());
    EXPECT_EQ(response.status, status) << response.body;
    return "/api/v1/stock-readings/" + response.row().at("id");
  }
  std::string date(const std::string& offset) {
    return R"("expiry_date":")" +
           database().run("select (now() at time zone 'UTC')::date " + offset) + "\"";
  }

  /// Returns: `GTIN reason` of each row, page by page.
  std::vector<std::string> all(std::string address) {
    std::vector<std::string> lines;
    for (int pages = 0; pages < 100 && !address.empty(); ++pages) {
      const auto response = get(address);
      EXPECT_EQ(response.status, 200) << address << response.body;
      for (const auto& row : response.rows()) {
        EXPECT_EQ(row.size(), 15U) << response.body;
        lines.push_back(unquoted(row.at("GTIN")) + " " + unquoted(row.at("reason")));
      }
      address = response.next_page();
    }
    return lines;
  }
  static std::string unquoted(const std::string& json) { return json.substr(1, json.size() - 2); }

  void expect_bad(const std::string& body, const std::string& field, const std::string& sentence) {
    const auto response = put(thresholds(), body, admin());
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_EQ(response.text_after("\"" + field + "\":[\"", "\"]"), sentence) << body;
  }
};

TEST_F(WorkList, says_what_to_check_and_why_until_it_is_checked) {
  const auto& gtins = some_gtins();
  const auto expired = record(gtins[0], date("- 1"));
  record(gtins[1], date("+ 4"));
  const auto due = record(gtins[2], date("+ 3") + R"(,"quantity":9)");
  const auto sold = record(gtins[3], R"("quantity":2)");
  // More is sold than was counted, and this is known later.
  const auto later = post(sold + "/adjust",
                          R"({"delta":-3,"observed_at":")" +
                              database().run("select to_char(clock_timestamp() at time zone 'UTC', "
                                             "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')") +
                              "\"}",
                          staff());
  EXPECT_EQ(later.status, 200) << later.body;
  record(gtins[4], "");
  database().run("update stock_readings set looked_at = now() - interval '15 days' where gtin = " +
                 gtins[4]);
  record(gtins[5], "");
  database().run("update stock_readings set looked_at = null where gtin = " + gtins[5]);
  const std::vector<std::string> expected{gtins[3] + " miscounted", gtins[0] + " expired",
                                          gtins[2] + " due", gtins[5] + " never_checked",
                                          gtins[4] + " stale"};
  EXPECT_EQ(all(path()), expected);
  EXPECT_EQ(all(path() + "/?limit=1"), expected);
  EXPECT_EQ(all(path() + "?limit=2&days=3&stale_days=14"), expected);
  EXPECT_THAT(
      all(path() + "?days=0&stale_days=30"),
      ElementsAre(gtins[3] + " miscounted", gtins[0] + " expired", gtins[5] + " never_checked"));
  EXPECT_THAT(all(path() + "?category=Tea"), IsEmpty());

  EXPECT_EQ(post(due + "/adjust", R"({"delta":-1})", staff()).status, 200);
  EXPECT_EQ(all(path()), expected) << "a sale is no check";
  record(gtins[4], date("+ 40"), 200);
  record(gtins[5], R"("kind":"check","expiry_date":null)", 200);
  patch(expired, R"({"kind":"check",)" + date("+ 20") + "}", staff());
  patch(sold, R"({"quantity":1})", staff());
  EXPECT_THAT(all(path()), ElementsAre(gtins[2] + " due"));
  EXPECT_EQ(del(due, staff()).status, 204);
  EXPECT_THAT(all(path()), IsEmpty());
}

TEST_F(WorkList, uses_the_stored_thresholds_where_the_request_has_none) {
  const auto& gtins = some_gtins();
  EXPECT_EQ(get(thresholds(), staff()).body,
            R"({"days":3,"stale_days":14,"categories":{},"version":1})");
  put("/api/v1/products/" + gtins[0], R"({"name":"Bread","category":"Bread"})", admin());
  put("/api/v1/products/" + gtins[1], R"({"name":"Rice","category":"Dry"})", admin());
  record(gtins[0], date("+ 2"));
  record(gtins[1], date("+ 2"));
  EXPECT_THAT(all(path()), ElementsAre(gtins[0] + " due", gtins[1] + " due"));

  const std::string stored =
      R"({"days":2,"stale_days":14,"categories":{"Bread":{"days":1,"stale_days":null}},"version":2})";
  const auto changed = put(
      thresholds(), R"({"days":2,"stale_days":"14","categories":{" Bread ":{"days":1}}})", admin());
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.body, stored);
  EXPECT_EQ(changed.header("ETag"), "\"2\"");
  const auto read = get(thresholds(), staff());
  EXPECT_EQ(read.body, stored);
  EXPECT_EQ(read.header("ETag"), "\"2\"");
  EXPECT_THAT(all(path()), ElementsAre(gtins[1] + " due"));
  EXPECT_THAT(all(path() + "?category=Bread"), IsEmpty());
  EXPECT_THAT(all(path() + "?days=2"), ElementsAre(gtins[0] + " due", gtins[1] + " due"));

  EXPECT_EQ(put(thresholds(), stored, admin()).body, stored) << "what was read, sent back";
  auto headers = admin();
  headers.emplace("If-Match", "\"1\"");
  const auto refused = put(thresholds(), R"({"days":9,"stale_days":9})", headers);
  EXPECT_EQ(refused.status, 412) << refused.body;
  EXPECT_EQ(refused.number("version"), 2);
  headers = admin();
  headers.emplace("If-Match", "\"2\"");
  headers.emplace("Idempotency-Key", "thresholds");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(put(thresholds(), R"({"days":9,"stale_days":9})", headers).body,
              R"({"days":9,"stale_days":9,"categories":{},"version":3})");
  }
  EXPECT_EQ(get("/api/v1/audit?subject=thresholds", admin()).text("subject_id"), shop());
  EXPECT_EQ(
      database().run(
          "select string_agg(concat_ws(' ', action, subject_id, before, after), '; ' order by id)"
          " from audit where subject = 'thresholds'"),
      "change " + shop() +
          R"( {"days": 2, "categories": {"Bread": {"days": 1}}, "stale_days": 14}; change )" +
          shop() + R"( {"days": 2, "categories": {"Bread": {"days": 1}}, "stale_days": 14})" +
          R"( {"days": 9, "categories": {}, "stale_days": 9})");
}

TEST_F(WorkList, refuses_thresholds_that_are_not_valid) {
  expect_bad("{}", "days", "This field is required.");
  expect_bad(R"({"days":-1,"stale_days":1})", "days", "This must be a whole number from 0 to 365.");
  expect_bad(R"({"days":366,"stale_days":1})", "days",
             "This must be a whole number from 0 to 365.");
  expect_bad(R"({"days":1,"stale_days":0})", "stale_days",
             "This must be a whole number from 1 to 365.");
  expect_bad(R"({"days":1,"stale_days":null})", "stale_days", "This field may not be null.");
  expect_bad(R"({"days":1,"stale_days":1,"categories":null})", "categories",
             "This field may not be null. Send {} for none.");
  for (const auto* categories : {"[]", "7", R"({"Bread":7})"})
    expect_bad(R"({"days":1,"stale_days":1,"categories":)" + std::string{categories} + "}",
               "categories", "This must be an object of at most 100 objects.");
  expect_bad(R"({"days":1,"stale_days":1,"categories":{"Bread":{"days":400}}})", "categories",
             R"(\"Bread\": days: This must be a whole number from 0 to 365.)");
  expect_bad(R"({"days":1,"stale_days":1,"categories":{"Bread":{"hours":4}}})", "categories",
             R"(\"Bread\": hours: Unknown field. Known fields: days, stale_days.)");
  expect_bad(R"({"days":1,"stale_days":1,"categories":{"Bread":{},"Bread ":{}}})", "categories",
             R"(\"Bread\": This name is repeated.)");
  EXPECT_EQ(put(thresholds(), R"({"days":1,"stale_days":1,"categories":{" ":{}}})", admin()).status,
            400);
  std::string many;
  for (int i = 0; i < 101; ++i)
    many += (many.empty() ? "\"" : ",\"") + std::to_string(i) + R"(":{"days":500})";
  expect_bad(R"({"days":1,"stale_days":1,"categories":{)" + many + "}}", "categories",
             "This must be an object of at most 100 objects.");
  EXPECT_EQ(database().run("select count(*) from shop_thresholds"), "0");
}

TEST_F(WorkList, is_for_everyone_and_its_thresholds_for_the_staff_of_the_shop) {
  const auto other = post("/api/v1/shops", R"({"name":"South"})", admin()).row().at("id");
  const auto elsewhere =
      post("/api/v1/tokens", R"({"name":"p","role":"staff","shops":[)" + other + "]}", admin())
          .text("token");
  const httplib::Headers outsider{{"Authorization", "Bearer " + elsewhere}};
  const std::string body = R"({"days":1,"stale_days":1})";
  EXPECT_EQ(get(path()).status, 200);
  EXPECT_EQ(get(path(), outsider).status, 200);
  EXPECT_EQ(get(thresholds()).status, 401);
  EXPECT_EQ(get(thresholds(), outsider).status, 403);
  EXPECT_EQ(get("/api/v1/shops/" + other + "/thresholds", outsider).status, 200);
  EXPECT_EQ(get(thresholds(), admin()).status, 200);
  EXPECT_EQ(put(thresholds(), body, {}).status, 401);
  EXPECT_EQ(put(thresholds(), body, staff()).status, 403);
  EXPECT_EQ(put(thresholds(), body, admin()).status, 200);
  for (const auto* end : {"/work-list", "/thresholds"}) {
    EXPECT_EQ(get("/api/v1/shops/999" + std::string{end}, admin()).status, 404);
    EXPECT_EQ(get("/api/v1/shops/x" + std::string{end}, admin()).status, 404);
  }
  EXPECT_EQ(put("/api/v1/shops/999/thresholds", body, admin()).status, 404);
  for (const auto* query : {"days=-1", "days=366", "days=x", "stale_days=0", "stale_days=366",
                            "limit=0", "cursor=x", "cursor=1MnwwfDE", "bogus=1", "days=1&days=2"})
    EXPECT_EQ(get(path() + "?" + query).status, query == std::string{"cursor=1MnwwfDE"} ? 200 : 400)
        << query;
}

}  // namespace
}  // namespace codasync::test
