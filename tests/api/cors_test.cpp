#include "api/cors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace codasync::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ApiOptions allowing(std::vector<std::string> origins) {
  ApiOptions options;
  options.cors_origins = std::move(origins);
  return options;
}

Request request_of(std::string origin, Method method = Method::get, std::string preflight = {}) {
  Request request;
  request.method = method;
  request.path = "/api/v1/shops";
  request.origin = std::move(origin);
  request.preflight_method = std::move(preflight);
  return request;
}

/// Returns: the values of a header; a response may have several.
std::vector<std::string> values(const Response& response, std::string_view name) {
  std::vector<std::string> found;
  for (const auto& header : response.headers) {
    if (header.name == name) found.push_back(header.value);
  }
  return found;
}

Response to_page(const Request& request, const ApiOptions& options) {
  Response response{200, {}, "[]"};
  allow_origin(response, request, options);
  return response;
}

TEST(Origins, are_accepted_as_browsers_send_them) {
  EXPECT_THAT(problems_of_origins({}), IsEmpty());
  EXPECT_THAT(problems_of_origins({"*"}), IsEmpty());
  EXPECT_THAT(problems_of_origins({"https://shop.example", "http://localhost:3000",
                                   "https://xn--caf-dma.example:8443", "http://[::1]:8080",
                                   "http://127.0.0.1", "capacitor://localhost",
                                   "chrome-extension://abcdefghijklmnop"}),
              IsEmpty());
}

TEST(Origins, that_no_browser_sends_are_refused) {
  for (const auto* origin :
       {"shop.example", "https://shop.example/", "https://shop.example/a", "HTTPS://shop.example",
        "https://Shop.example", "https://caf\xc3\xa9.example", "https://*.example", "https://",
        "https://u@shop.example", "https://shop.example:", "https://shop.example:0",
        "https://shop.example:123456", "https://a b", "https://a\r\nX: y", "null", "//shop.example",
        "https://shop.example?q", "https://a;b", "https://$host"}) {
    EXPECT_THAT(problems_of_origins({origin}), SizeIs(1)) << origin;
  }
  EXPECT_THAT(problems_of_origins({"https://shop.example:443"}),
              ElementsAre(HasSubstr("default port")));
  EXPECT_THAT(problems_of_origins({"http://shop.example:80"}), SizeIs(1));
  EXPECT_THAT(problems_of_origins({"http://shop.example:443"}), IsEmpty());
  EXPECT_THAT(problems_of_origins({"https://shop.example", "*"}),
              ElementsAre(HasSubstr("not alone")));
}

TEST(Cors, adds_nothing_without_the_setting) {
  EXPECT_THAT(to_page(request_of("https://shop.example"), ApiOptions{}).headers, IsEmpty());
  EXPECT_FALSE(answer_preflight(request_of("https://shop.example", Method::options, "GET"), {}));
}

TEST(Cors, lets_the_pages_of_listed_origins_read_and_says_that_the_response_depends_on_them) {
  const auto options = allowing({"https://a.example", "https://b.example"});
  const auto response = to_page(request_of("https://b.example"), options);
  EXPECT_THAT(values(response, "Access-Control-Allow-Origin"), ElementsAre("https://b.example"));
  EXPECT_THAT(values(response, "Vary"), ElementsAre("Origin"));
  EXPECT_THAT(values(response, "Access-Control-Allow-Credentials"), IsEmpty());
  for (const auto* origin : {"", "https://c.example", "https://a.example.evil", "null",
                             "https://A.example", "https://b.example:443"}) {
    const auto other = to_page(request_of(origin), options);
    EXPECT_THAT(values(other, "Access-Control-Allow-Origin"), IsEmpty()) << origin;
    EXPECT_THAT(values(other, "Vary"), ElementsAre("Origin")) << origin;
  }
}

TEST(Cors, of_every_origin_makes_responses_that_do_not_depend_on_the_origin) {
  const auto options = allowing({"*"});
  const auto without = to_page(request_of(""), options);
  EXPECT_THAT(values(without, "Access-Control-Allow-Origin"), ElementsAre("*"));
  EXPECT_THAT(values(without, "Vary"), IsEmpty());
  const auto with = to_page(request_of("https://a.example"), options);
  EXPECT_TRUE(
      std::ranges::equal(with.headers, without.headers, {}, &Header::value, &Header::value));
}

TEST(Cors, exposes_the_headers_that_clients_need) {
  const auto exposed = values(to_page(request_of("https://a.example"), allowing({"*"})),
                              "Access-Control-Expose-Headers");
  ASSERT_THAT(exposed, SizeIs(1));
  for (const auto* header :
       {"ETag", "Link", "Location", "Retry-After", "X-Request-Id", "Allow", "Idempotency-Replayed",
        "History-Begins", "Total-Count", "WWW-Authenticate"})
    EXPECT_THAT(exposed.front(), HasSubstr(header));
}

TEST(Preflight, permits_listed_origins_what_their_token_permits) {
  const auto response = answer_preflight(request_of("https://a.example", Method::options, "PATCH"),
                                         allowing({"https://a.example"}));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 204);
  EXPECT_THAT(values(*response, "Access-Control-Allow-Methods"),
              ElementsAre("GET, HEAD, POST, PUT, PATCH, DELETE"));
  for (const auto* header : {"Authorization", "Content-Type", "Idempotency-Key", "If-Match",
                             "If-None-Match", "X-Request-Id"})
    EXPECT_THAT(values(*response, "Access-Control-Allow-Headers"), ElementsAre(HasSubstr(header)));
  EXPECT_THAT(values(*response, "Access-Control-Max-Age"), ElementsAre("7200"));
}

TEST(Preflight, of_every_origin_permits_reads_without_a_token) {
  const auto response =
      answer_preflight(request_of("https://a.example", Method::options, "GET"), allowing({"*"}));
  ASSERT_TRUE(response);
  EXPECT_THAT(values(*response, "Access-Control-Allow-Methods"), ElementsAre("GET, HEAD"));
  EXPECT_THAT(values(*response, "Access-Control-Allow-Headers"),
              ElementsAre(testing::Not(HasSubstr("Authorization"))));
}

TEST(Preflight, is_only_a_request_of_an_allowed_page_for_a_method) {
  const auto options = allowing({"https://a.example"});
  EXPECT_FALSE(answer_preflight(request_of("https://b.example", Method::options, "GET"), options));
  EXPECT_FALSE(answer_preflight(request_of("", Method::options, "GET"), options));
  EXPECT_FALSE(answer_preflight(request_of("https://a.example", Method::options), options));
  EXPECT_FALSE(answer_preflight(request_of("https://a.example", Method::get, "GET"), options));
}

}  // namespace
}  // namespace codasync::api
