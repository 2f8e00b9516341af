#include <string>
#include <vector>

#include "tests/service/service.hpp"

// Web pages of other origins at the direct address of the service. tests/nginx/cors_test.py has the
// same for Nginx.

namespace codasync::test {
namespace {

const std::string kPage = "https://shop.example";
const std::string kOther = "https://console.example";
const std::string kAllow = "Access-Control-Allow-Origin";

class Cors : public ServiceTest {
 protected:
  Cors() : ServiceTest{{"CODASYNC_API_CORS_ORIGINS=" + kPage + "," + kOther}} {}

  httplib::Headers from(const std::string& origin, httplib::Headers headers = {}) {
    headers.emplace("Origin", origin);
    return headers;
  }
};

TEST_F(Cors, lets_a_listed_page_read_responses_of_every_kind) {
  a_reading("4006381333931");
  const std::string product = "/api/v1/products/4006381333931";
  const auto tag = get(product).header("ETag");
  const std::vector<std::pair<int, HttpResponse>> kinds{
      {200, get(product, from(kPage))},
      // The client library waits for a body of 304 otherwise.
      {304, get(product, from(kPage, {{"If-None-Match", tag}, {"Connection", "close"}}))},
      {200, get("/api/v1/shops", from(kPage))},
      {400, get("/api/v1/shops?bogus=1", from(kPage))},
      {401, get("/api/v1/tokens", from(kPage))},
      {404, get("/api/v1/nothing", from(kPage))},
      {405, send("PUT", "/api/v1/tokens", "{}", from(kPage))},
      {201, send("POST", "/api/v1/shops", R"({"name":"South"})", from(kPage, admin()))},
      {200, get("/healthz", from(kPage))}};
  for (const auto& [status, response] : kinds) {
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.header(kAllow), kPage) << status;
    EXPECT_EQ(response.header("Vary"), "Origin") << status;
    EXPECT_THAT(response.header("Access-Control-Expose-Headers"), testing::HasSubstr("ETag"));
  }
}

TEST_F(Cors, stores_no_entry_that_depends_on_the_origin) {
  a_reading("4006381333931");
  for (const auto* path : {"/api/v1/products/4006381333931", "/api/v1/shops", "/api/v1/products"}) {
    // The first read fills the entry.
    for (const auto& origin : {kPage, kOther, kPage})
      EXPECT_EQ(get(path, from(origin)).header(kAllow), origin) << path;
    EXPECT_EQ(get(path, from("https://evil.example")).header(kAllow), "") << path;
  }
}

TEST_F(Cors, stores_no_response_to_a_write_that_depends_on_the_origin) {
  const std::string body = R"({"shop":1,"GTIN":"4006381333931","name":"Tea"})";
  auto headers = staff();
  headers.emplace("Idempotency-Key", "k");
  EXPECT_EQ(send("POST", "/api/v1/stock-readings", body, from(kPage, headers)).header(kAllow),
            kPage);
  const auto again = send("POST", "/api/v1/stock-readings", body, from(kOther, headers));
  EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(again.header(kAllow), kOther);
}

TEST_F(Cors, answers_a_preflight_at_every_address) {
  for (const auto* path : {"/api/v1/products/4006381333931", "/api/v1/nothing"}) {
    const auto response = send("OPTIONS", path, "",
                               from(kPage, {{"Access-Control-Request-Method", "PATCH"},
                                            {"Access-Control-Request-Headers", "authorization"}}));
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(response.header(kAllow), kPage);
    EXPECT_THAT(response.header("Access-Control-Allow-Methods"), testing::HasSubstr("PATCH"));
    EXPECT_THAT(response.header("Access-Control-Allow-Headers"),
                testing::HasSubstr("Authorization"));
  }
}

TEST_F(Cors, ends_the_start_when_an_origin_is_malformed) {
  const auto result = run({"serve"}, {"CODASYNC_API_CORS_ORIGINS=https://shop.example/"});
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.output, testing::HasSubstr("api.cors_origins is https://shop.example/"));
}

}  // namespace
}  // namespace codasync::test
