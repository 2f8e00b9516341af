#include "api/request_flow.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace codasync::api {
namespace {

const Gtin kTea = Gtin::from_number(4006381333931);
const storage::ReadingKey kKey{ShopId{1}, kTea};

/// The path of requests, without servers and threads.
class RequestFlowTest : public testing::Test {
 protected:
  RequestFlow flow(Method method, std::string path, std::string query = {}) {
    Request request;
    request.method = method;
    request.path = std::move(path);
    request.query = std::move(query);
    if (!authorization_.empty()) request.authorization = authorization_;
    return {std::move(request), options_, tokens_, keys_};
  }
  /// The next requests carry a token. Returns: its row.
  storage::Token with_token(storage::Role role, std::optional<Instant> expires_at = {}) {
    authorization_ = "Bearer " + secret_;
    return {.id = TokenId{1},
            .name = "t",
            .role = role,
            .shops = {},
            .created_at = {},
            .expires_at = expires_at};
  }
  [[nodiscard]] storage::TokenHash hash() const { return *storage::hash_token_secret(secret_); }

  /// Returns: the status of the response; 0 when the step is another one.
  static int status(const NextStep& step) {
    const auto* end = std::get_if<next::Respond>(&step);
    return end == nullptr ? 0 : end->response.status;
  }
  template <class Step>
  static bool is(const NextStep& step) {
    return std::holds_alternative<Step>(step);
  }

  ApiOptions options_;
  TokenCache tokens_;
  ReadingKeyCache keys_;
  std::string authorization_;
  const std::string secret_ = storage::make_token_secret();
};

TEST_F(RequestFlowTest, of_a_hit_is_parse_look_up_respond) {
  auto request = flow(Method::get, "/api/v1/products/4006381333931");
  auto step = request.parse();
  ASSERT_TRUE(is<next::LookUp>(step));
  EXPECT_EQ(std::get<next::LookUp>(step).key.text, cache::product_response(kTea).text);
  EXPECT_EQ(status(request.looked_up(Response{200, {}, "{}"})), 200);
}

TEST_F(RequestFlowTest, of_a_miss_acts) {
  auto request = flow(Method::get, "/api/v1/shops/1");
  ASSERT_TRUE(is<next::LookUp>(request.parse()));
  ASSERT_TRUE(is<next::Act>(request.looked_up(std::nullopt)));
  EXPECT_EQ(status(request.acted(Response{})), 200);
}

TEST_F(RequestFlowTest, looks_nothing_up_that_the_reverse_proxy_has_just_missed) {
  Request request;
  request.path = "/api/v1/shops/1";
  request.cache_missed = true;
  RequestFlow flow{request, options_, tokens_, keys_};
  ASSERT_TRUE(is<next::Act>(flow.parse()));
}

TEST_F(RequestFlowTest, of_a_reading_by_its_id_resolves_the_id_once) {
  auto first = flow(Method::get, "/api/v1/stock-readings/5");
  ASSERT_TRUE(is<next::LookUp>(first.parse()));
  auto step = first.looked_up(std::nullopt);
  ASSERT_TRUE(is<next::ResolveReading>(step));
  EXPECT_EQ(std::get<next::ResolveReading>(step).id, ReadingId{5});
  ASSERT_TRUE(is<next::Act>(first.reading_resolved(kKey)));
  EXPECT_EQ(first.call().path.reading->gtin, kTea);

  auto second = flow(Method::get, "/api/v1/stock-readings/5");
  ASSERT_TRUE(is<next::LookUp>(second.parse()));
  EXPECT_TRUE(is<next::Act>(second.looked_up(std::nullopt)));
  EXPECT_EQ(second.call().path.reading->shop, ShopId{1});
}

TEST_F(RequestFlowTest, of_an_unknown_id_ends_with_404_and_caches_nothing) {
  auto request = flow(Method::get, "/api/v1/stock-readings/5");
  static_cast<void>(request.parse());
  static_cast<void>(request.looked_up(std::nullopt));
  EXPECT_EQ(status(request.reading_resolved(std::nullopt)), 404);
  EXPECT_EQ(keys_.find(ReadingId{5}), std::nullopt);
}

TEST_F(RequestFlowTest, resolves_an_id_again_when_the_cached_key_is_stale_but_only_once) {
  keys_.store(ReadingId{5}, {ShopId{9}, kTea});
  auto request = flow(Method::get, "/api/v1/stock-readings/5");
  static_cast<void>(request.parse());
  ASSERT_TRUE(is<next::Act>(request.looked_up(std::nullopt)));
  const auto again = request.stale_key();
  ASSERT_TRUE(again && is<next::ResolveReading>(*again));
  ASSERT_TRUE(is<next::Act>(request.reading_resolved(kKey)));
  EXPECT_FALSE(request.stale_key()) << "this key was looked up for this request";
  EXPECT_EQ(keys_.find(ReadingId{5})->shop, ShopId{1});
}

TEST_F(RequestFlowTest, of_a_list_or_with_parameters_looks_nothing_up_on_the_event_loop) {
  EXPECT_TRUE(is<next::Act>(flow(Method::get, "/api/v1/products").parse()));
  EXPECT_TRUE(
      is<next::Act>(flow(Method::get, "/api/v1/products/4006381333931/stock", "limit=5").parse()));
}

TEST_F(RequestFlowTest, of_a_write_caches_the_token_for_the_next_write) {
  const auto token = with_token(storage::Role::staff);
  auto first = flow(Method::post, "/api/v1/stock-readings");
  auto step = first.parse();
  ASSERT_TRUE(is<next::FindToken>(step));
  EXPECT_EQ(std::get<next::FindToken>(step).hash, hash());
  ASSERT_TRUE(is<next::Act>(first.token_found(token)));
  EXPECT_EQ(first.call().actor->id, TokenId{1});

  auto second = flow(Method::post, "/api/v1/stock-readings");
  ASSERT_TRUE(is<next::Act>(second.parse()));
  second.token_refused();
  EXPECT_TRUE(is<next::FindToken>(flow(Method::post, "/api/v1/stock-readings").parse()));
}

TEST_F(RequestFlowTest, of_other_requests_with_a_token_looks_the_token_up_each_time) {
  const auto token = with_token(storage::Role::admin);
  for (int i = 0; i < 2; ++i) {
    auto request = flow(Method::get, "/api/v1/tokens");
    ASSERT_TRUE(is<next::FindToken>(request.parse()));
    EXPECT_TRUE(is<next::Act>(request.token_found(token)));
  }
}

TEST_F(RequestFlowTest, ends_where_the_token_is_not_enough) {
  EXPECT_EQ(status(flow(Method::get, "/api/v1/tokens").parse()), 401) << "no token";
  const auto staff = with_token(storage::Role::staff);
  auto other_role = flow(Method::get, "/api/v1/tokens");
  static_cast<void>(other_role.parse());
  EXPECT_EQ(status(other_role.token_found(staff)), 403);
  auto unknown = flow(Method::get, "/api/v1/tokens");
  static_cast<void>(unknown.parse());
  EXPECT_EQ(status(unknown.token_found(storage::TokenRefusal{storage::TokenRefusal::unknown})),
            401);
  const auto expired = with_token(storage::Role::admin, now() - std::chrono::seconds{1});
  auto late = flow(Method::get, "/api/v1/tokens");
  static_cast<void>(late.parse());
  EXPECT_EQ(status(late.token_found(expired)), 401);
  authorization_ = "Bearer nonsense";
  EXPECT_EQ(status(flow(Method::get, "/api/v1/tokens").parse()), 401);
}

TEST_F(RequestFlowTest, ends_where_the_token_is_for_other_shops) {
  auto token = with_token(storage::Role::staff);
  token.shops = {ShopId{2}};
  auto of_path = flow(Method::get, "/api/v1/shops/1/thresholds");
  static_cast<void>(of_path.parse());
  EXPECT_EQ(status(of_path.token_found(token)), 403);
  auto own = flow(Method::get, "/api/v1/shops/2/thresholds");
  static_cast<void>(own.parse());
  EXPECT_TRUE(is<next::Act>(own.token_found(token)));

  auto history = flow(Method::get, "/api/v1/stock-readings/5/history");
  static_cast<void>(history.parse());
  EXPECT_TRUE(is<next::ResolveReading>(history.token_found(token)));
  EXPECT_EQ(status(history.reading_resolved(kKey)), 403);
}

TEST_F(RequestFlowTest, refuses_no_reading_because_of_a_cached_key_that_may_be_stale) {
  auto token = with_token(storage::Role::staff);
  token.shops = {ShopId{2}};
  keys_.store(ReadingId{5}, kKey);
  auto request = flow(Method::patch, "/api/v1/stock-readings/5");
  static_cast<void>(request.parse());
  ASSERT_TRUE(is<next::ResolveReading>(request.token_found(token)));
  EXPECT_TRUE(is<next::Act>(request.reading_resolved(storage::ReadingKey{ShopId{2}, kTea})));
}

TEST_F(RequestFlowTest, has_the_reason_why_a_token_was_refused) {
  using storage::TokenRefusal;
  EXPECT_FALSE(flow(Method::get, "/api/v1/shops").token_failure());
  with_token(storage::Role::admin);
  const auto why = [&](TokenRefusal refusal) {
    auto request = flow(Method::get, "/api/v1/tokens");
    static_cast<void>(request.parse());
    static_cast<void>(request.token_found(refusal));
    return std::string{name_of(request.token_failure()->why)} +
           (request.token_failure()->token == TokenId{7} ? " 7" : "");
  };
  EXPECT_EQ(why({TokenRefusal::unknown}), "unknown");
  EXPECT_EQ(why({TokenRefusal::revoked, TokenId{7}}), "revoked 7");
  EXPECT_EQ(why({TokenRefusal::expired, TokenId{7}}), "expired 7");
  authorization_ = "Bearer " + secret_ + "x";
  auto malformed = flow(Method::get, "/api/v1/tokens");
  EXPECT_EQ(status(malformed.parse()), 401) << "without a query";
  EXPECT_EQ(name_of(malformed.token_failure()->why), "malformed");
}

TEST_F(RequestFlowTest, says_which_scheme_a_token_needs) {
  with_token(storage::Role::staff);
  const auto detail_with = [&](std::string authorization) {
    authorization_ = std::move(authorization);
    const auto end = flow(Method::get, "/api/v1/tokens/self").parse();
    EXPECT_EQ(status(end), 401);
    return std::get<next::Respond>(end).response.body;
  };
  for (const auto* scheme : {"Token ", "Basic ", "Bearer\t", ""})
    EXPECT_THAT(detail_with(scheme + secret_), testing::HasSubstr("Authorization: Bearer <token>"));
  EXPECT_THAT(detail_with("Bearer"), testing::HasSubstr("Authorization: Bearer <token>"));
  EXPECT_THAT(detail_with("Bearer x"), testing::HasSubstr("Invalid access token."));
}

TEST_F(RequestFlowTest, needs_a_token_for_reads_where_reads_are_not_public) {
  options_.public_reads = false;
  EXPECT_EQ(status(flow(Method::get, "/api/v1/shops/1").parse()), 401);
  const auto token = with_token(storage::Role::staff);
  auto request = flow(Method::get, "/api/v1/shops/1");
  ASSERT_TRUE(is<next::FindToken>(request.parse()));
  EXPECT_TRUE(is<next::LookUp>(request.token_found(token)));
  authorization_.clear();
  EXPECT_TRUE(is<next::Act>(flow(Method::get, "/healthz").parse()));
}

/// A request of a page that is signed in.
Request of_page(Method method, std::string path, const std::string& secret) {
  Request request;
  request.method = method;
  request.path = std::move(path);
  request.host = "localhost:8080";
  request.cookie = "codasync=" + secret;
  request.sec_fetch_site = "same-origin";
  return request;
}

TEST_F(RequestFlowTest, of_a_session_reads_it_for_each_request_and_caches_nothing) {
  const auto token = with_token(storage::Role::staff);
  for (int i = 0; i < 2; ++i) {
    RequestFlow request{of_page(Method::post, "/api/v1/stock-readings", secret_), options_, tokens_,
                        keys_};
    const auto step = request.parse();
    ASSERT_TRUE(is<next::FindSession>(step));
    EXPECT_EQ(std::get<next::FindSession>(step).hash, hash());
    ASSERT_TRUE(is<next::Act>(request.session_found(storage::Session{token, {}})));
    EXPECT_EQ(request.call().actor->id, TokenId{1});
    EXPECT_TRUE(request.call().session);
  }
  EXPECT_FALSE(tokens_.find(hash()));
  RequestFlow ended{of_page(Method::post, "/api/v1/stock-readings", secret_), options_, tokens_,
                    keys_};
  static_cast<void>(ended.parse());
  EXPECT_EQ(status(ended.session_found(std::nullopt)), 401);
}

TEST_F(RequestFlowTest, of_a_session_is_refused_before_it_is_looked_up) {
  auto other_page = of_page(Method::post, "/api/v1/stock-readings", secret_);
  other_page.sec_fetch_site = "same-site";
  EXPECT_EQ(status(RequestFlow(other_page, options_, tokens_, keys_).parse()), 403);
  const auto token_itself = of_page(Method::post, "/api/v1/tokens", secret_);
  EXPECT_EQ(status(RequestFlow(token_itself, options_, tokens_, keys_).parse()), 403);
  const auto nonsense = of_page(Method::get, "/api/v1/tokens", "nonsense");
  EXPECT_EQ(status(RequestFlow(nonsense, options_, tokens_, keys_).parse()), 401);
}

TEST_F(RequestFlowTest, ends_with_a_refusal_where_the_request_line_is_wrong) {
  EXPECT_EQ(status(flow(Method::get, "/api/v1/nothing").parse()), 404);
  EXPECT_EQ(status(flow(Method::put, "/api/v1/tokens").parse()), 405);
  EXPECT_EQ(status(flow(Method::get, "/api/v1/shops", "limit=%zz").parse()), 400);
  EXPECT_EQ(status(flow(Method::get, "/api/v1/shops", "bogus=1").parse()), 400);
  options_.body_bytes_max = 10;
  Request large;
  large.method = Method::post;
  large.path = "/api/v1/shops";
  large.body = std::string(11, ' ');
  EXPECT_EQ(status(RequestFlow(large, options_, tokens_, keys_).parse()), 413);
}

TEST_F(RequestFlowTest, answers_options_without_a_token) {
  EXPECT_EQ(status(flow(Method::options, "/api/v1/tokens").parse()), 204);
  EXPECT_EQ(status(flow(Method::options, "*").parse()), 204);
}

TEST_F(RequestFlowTest, answers_a_preflight_at_every_address_and_other_options_as_without_it) {
  options_.cors_origins = {"https://a.example"};
  Request preflight;
  preflight.method = Method::options;
  preflight.path = "/api/v1/nothing";
  preflight.origin = "https://a.example";
  preflight.preflight_method = "GET";
  EXPECT_EQ(status(RequestFlow(preflight, options_, tokens_, keys_).parse()), 204);
  preflight.origin = "https://b.example";
  EXPECT_EQ(status(RequestFlow(preflight, options_, tokens_, keys_).parse()), 404);
  EXPECT_EQ(status(flow(Method::options, "/api/v1/nothing").parse()), 404);
}

TEST_F(RequestFlowTest, needs_a_body_only_where_the_head_does_not_refuse_the_request) {
  const auto needed = [&](Method method, std::string path, std::string authorization,
                          std::string cookie = {}) {
    Request head;
    head.method = method;
    head.path = std::move(path);
    head.authorization = std::move(authorization);
    head.cookie = std::move(cookie);
    head.host = "localhost";
    return needs_body(head, options_);
  };
  const auto token = "Bearer " + secret_;
  EXPECT_TRUE(needed(Method::post, "/api/v1/stock-readings", token));
  EXPECT_TRUE(needed(Method::post, "/api/v1/stock-readings", "", "codasync=" + secret_));
  EXPECT_TRUE(needed(Method::post, "/api/v1/session", "")) << "signing in";
  EXPECT_FALSE(needed(Method::post, "/api/v1/stock-readings", ""));
  EXPECT_FALSE(needed(Method::post, "/api/v1/stock-readings", "Bearer coda_x"));
  EXPECT_FALSE(needed(Method::post, "/api/v1/stock-readings", "", "codasync=x"));
  EXPECT_FALSE(needed(Method::post, "/api/v1/nothing", token)) << "404";
  EXPECT_FALSE(needed(Method::post, "/api/v1/changes", token)) << "405";
  EXPECT_FALSE(needed(Method::get, "/api/v1/shops", token));
}

TEST_F(RequestFlowTest, makes_304_of_a_response_that_the_client_has) {
  Request request;
  request.path = "/api/v1/shops/1";
  request.if_none_match = "\"7\"";
  RequestFlow same{request, options_, tokens_, keys_};
  static_cast<void>(same.parse());
  const auto end = same.looked_up(
      Response{200, {{"Content-Type", "application/json"}, {"ETag", "\"7\""}}, "{}"});
  EXPECT_EQ(status(end), 304);
  const auto& response = std::get<next::Respond>(end).response;
  EXPECT_TRUE(response.body.empty());
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].name, "ETag");
}

}  // namespace
}  // namespace codasync::api
