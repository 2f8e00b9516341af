#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

class Refusals : public ServiceTest {
 protected:
  /// Returns: everything a client could have changed, as one number.
  std::string fingerprint_of_rows() {
    return database().run(
        "select md5(concat((select string_agg(s::text, ',') from shops s), (select "
        "string_agg(p::text, ',') from products p),"
        " (select string_agg(r::text, ',') from stock_readings r), (select count(*) from "
        "stock_events)))");
  }
};

struct Case {
  const char* what;
  const char* method;
  std::string path;
  std::string body;
  int status;
};

TEST_F(Refusals, are_problems_with_the_right_status_and_change_nothing) {
  const auto id = std::to_string(a_reading("4006381333931"));
  const auto reading = "/api/v1/stock-readings/" + id;
  const std::string readings = "/api/v1/stock-readings";
  const auto recorded = [&](const std::string& fields) {
    return R"({"shop":)" + shop() + R"(,"GTIN":"4006381333931",)" + fields + "}";
  };
  const std::vector<Case> cases{
      {"malformed JSON", "POST", readings, "{\"shop\":", 400},
      {"a list", "POST", readings, "[]", 400},
      {"invalid UTF-8", "POST", readings, "{\"shop\":1,\"GTIN\":\"\xff\"}", 400},
      {"a wrong type", "POST", readings, recorded(R"("quantity":"three")"), 400},
      {"a fraction", "POST", readings, recorded(R"("quantity":1.5)"), 400},
      {"a quantity below zero", "POST", readings, recorded(R"("quantity":-1)"), 400},
      {"a quantity beyond 31 bits", "POST", readings, recorded(R"("quantity":2147483648)"), 400},
      {"an unknown field", "POST", readings, recorded(R"("expires":"2026-12-24")"), 400},
      {"a field twice", "POST", readings, recorded(R"("quantity":1,"quantity":2)"), 400},
      {"an impossible date", "POST", readings, recorded(R"("expiry_date":"2026-02-29")"), 400},
      {"a date that is a time", "POST", readings,
       recorded(R"("expiry_date":"2026-12-24T00:00:00Z")"), 400},
      {"an unknown kind", "POST", readings, recorded(R"("kind":"guess")"), 400},
      {"an adjustment in disguise", "POST", readings, recorded(R"("kind":"adjust")"), 400},
      {"a wrong check digit", "POST", readings, R"({"shop":1,"GTIN":"4006381333930"})", 400},
      {"scientific notation", "POST", readings, R"({"shop":1,"GTIN":"4.00638E+12"})", 400},
      {"control characters in a name", "POST", readings,
       R"({"shop":1,"GTIN":"96385074","name":"a\u0000b"})", 400},
      {"an empty name", "POST", "/api/v1/shops", R"({"name":"  "})", 400},
      {"a name of 256 characters", "POST", "/api/v1/shops",
       R"({"name":")" + std::string(256, 'x') + "\"}", 400},
      {"a time zone of nobody's", "POST", "/api/v1/shops",
       R"({"name":"Mars","time_zone":"Mars/Olympus"})", 400},
      {"an unknown shop", "POST", readings, R"({"shop":999999,"GTIN":"4006381333931"})", 422},
      {"a shop beyond 64 bits", "POST", readings,
       R"({"shop":9223372036854775808,"GTIN":"4006381333931"})", 400},
      {"an unknown product without a name", "POST", readings,
       R"({"shop":)" + shop() + R"(,"GTIN":"96385074"})", 422},
      {"another shop", "PATCH", reading, R"({"shop":999999})", 422},
      {"another product", "PATCH", reading, R"({"GTIN":"96385074"})", 422},
      {"an id that is no number", "PATCH", readings + "/abc", "{}", 404},
      {"an id beyond 64 bits", "PATCH", readings + "/9223372036854775808", "{}", 404},
      {"an unknown reading", "PATCH", readings + "/999999", "{}", 404},
      {"taking from what was never counted", "POST", reading + "/adjust", R"({"delta":-1})", 409},
      {"an adjustment by nothing said", "POST", reading + "/adjust", "{}", 400},
      {"a method that is not allowed", "POST", reading, "{}", 405},
      {"an unknown address", "GET", "/api/v2/shops", "", 404},
      {"a broken escape", "GET", "/api/v1/stock-readings?shop=%zz", "", 400},
      {"an unknown parameter", "GET", "/api/v1/stock-readings?colour=red", "", 400},
      {"a page without end", "GET", "/api/v1/stock-readings?limit=100000", "", 400},
      {"a forged cursor", "GET", "/api/v1/stock-readings?cursor=1AAAA", "", 400},
      {"a GTIN in a path with a typing error", "GET", "/api/v1/products/4006381333930", "", 400},
      {"an unknown product", "GET", "/api/v1/products/96385074", "", 404},
      {"a name of a product by staff", "PATCH", reading, R"({"name":"Something else"})", 403},
  };
  const auto before = fingerprint_of_rows();
  for (const auto& refused : cases) {
    const auto token = refused.path == "/api/v1/shops" ? admin() : staff();
    const auto answer = send(refused.method, refused.path, refused.body, token);
    EXPECT_EQ(answer.status, refused.status) << refused.what << ": " << answer.body;
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << refused.what;
    EXPECT_EQ(answer.number("status"), refused.status) << refused.what;
    EXPECT_EQ(answer.text("instance"), answer.header("X-Request-Id")) << refused.what;
    EXPECT_FALSE(answer.text("detail").empty()) << refused.what;
  }
  EXPECT_EQ(fingerprint_of_rows(), before);
}

TEST_F(Refusals, of_a_method_say_which_are_allowed) {
  EXPECT_EQ(send("DELETE", "/api/v1/shops", "", admin()).header("Allow"),
            "GET, HEAD, POST, OPTIONS");
}

TEST_F(Refusals, of_other_content_types_and_large_bodies) {
  auto headers = staff();
  headers.emplace("Content-Type", "text/plain");
  EXPECT_EQ(send("POST", "/api/v1/stock-readings", "{}", headers).status, 415);
  EXPECT_EQ(post("/api/v1/stock-readings", std::string(1'050'000, ' '), staff()).status, 413);
}

TEST_F(Refusals, of_strangers) {
  EXPECT_EQ(post("/api/v1/stock-readings", "{}", {}).status, 401);
  EXPECT_EQ(post("/api/v1/shops", R"({"name":"x"})", staff()).status, 403);
  EXPECT_EQ(post("/api/v1/stock-readings", "{}", {{"Authorization", "Bearer coda_wrong"}}).status,
            401);
}

TEST_F(Refusals, keep_secrets_out_of_the_log) {
  post("/api/v1/stock-readings", R"({"shop":1,"GTIN":"4006381333931","name":"Very private"})",
       staff());
  post("/api/v1/stock-readings", "{\"broken", staff());
  const auto log = service_log();
  EXPECT_EQ(log.find("coda_"), std::string::npos);
  EXPECT_EQ(log.find("Very private"), std::string::npos);
}

}  // namespace
}  // namespace codasync::test
