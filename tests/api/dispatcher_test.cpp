#include "api/dispatcher.hpp"

#include <gtest/gtest.h>

#include <future>

#include "api/stored_answer.hpp"
#include "tests/api/fakes.hpp"

namespace codasync::api {
namespace {

/// A dispatcher between a request and fakes.
class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    rows.shops.insert({1, Shop{ShopId{1}, "North", "UTC", 3}});
    rows.reading_keys.insert({5, {ShopId{1}, Gtin::from_number(4006381333931)}});
    staff = add_token(TokenId{1}, storage::Role::staff);
    admin = add_token(TokenId{2}, storage::Role::admin);
  }

  std::string add_token(TokenId id, storage::Role role) {
    const auto secret = storage::make_token_secret();
    rows.tokens.insert(
        {*storage::hash_token_secret(secret), storage::Token{id, "t", role, {}, {}, {}}});
    return "Bearer " + secret;
  }

  static Request request(Method method, std::string path, std::string authorization = {},
                         std::string body = {}) {
    Request made;
    made.method = method;
    made.path = std::move(path);
    made.authorization = std::move(authorization);
    made.body = std::move(body);
    made.content_type = "application/json";
    return made;
  }

  Response answer(Request asked) {
    struct Promise : Reply::Sink {
      std::promise<Response> promise;
      void send(Response response) override { promise.set_value(std::move(response)); }
    };
    auto sink = std::make_shared<Promise>();
    auto future = sink->promise.get_future();
    dispatcher.dispatch(std::move(asked), Reply{sink});
    dispatcher.settle();
    return future.get();
  }

  static std::string header(const Response& response, std::string_view name) {
    for (const auto& header : response.headers) {
      if (header.name == name) return header.value;
    }
    return {};
  }

  test::FakeRows rows;
  test::FakeDatabase database{rows};
  test::FakeLedger ledger;
  test::FakeCatalogue catalogue;
  test::FakeTokens tokens;
  test::FakeCache cache{database};
  ApiOptions options;
  Metrics metrics{1};
  Log log{{.level = LogLevel::error}};
  Executor executor{{.threads = 2, .queue_max = 100}};
  Service service{options, database, ledger, catalogue, tokens, cache, executor, metrics, log};
  Dispatcher dispatcher{service};
  std::string staff;
  std::string admin;
};

TEST_F(DispatcherTest, answers_a_read_with_its_version_and_a_request_id) {
  const auto response = answer(request(Method::get, "/api/v1/shops/1/"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"id":1,"name":"North","time_zone":"UTC"})");
  EXPECT_EQ(header(response, "ETag"), "\"3\"");
  EXPECT_TRUE(Uuid::parse(header(response, "X-Request-Id")));
}

TEST_F(DispatcherTest, takes_over_a_request_id_only_when_it_is_harmless) {
  auto asked = request(Method::get, "/healthz");
  asked.request_id = "shelf-42.A";
  EXPECT_EQ(header(answer(asked), "X-Request-Id"), "shelf-42.A");
  asked.request_id = "a b";
  EXPECT_NE(header(answer(asked), "X-Request-Id"), "a b");
  asked.request_id = std::string(129, 'a');
  EXPECT_NE(header(answer(asked), "X-Request-Id"), asked.request_id);
}

TEST_F(DispatcherTest, answers_304_to_who_has_it_already) {
  auto asked = request(Method::get, "/api/v1/shops/1");
  asked.if_none_match = "W/\"3\"";
  const auto response = answer(asked);
  EXPECT_EQ(response.status, 304);
  EXPECT_TRUE(response.body.empty());
  EXPECT_EQ(header(response, "ETag"), "\"3\"");
  asked.if_none_match = "\"2\"";
  EXPECT_EQ(answer(asked).status, 200);
}

TEST_F(DispatcherTest, answers_from_the_cache_without_asking_the_database) {
  cache.entries[cache::shop_answer(ShopId{1}).text] =
      to_stored({200, {{"ETag", "\"9\""}}, "{\"cached\":true}"});
  const auto response = answer(request(Method::get, "/api/v1/shops/1"));
  EXPECT_EQ(response.body, "{\"cached\":true}");
  EXPECT_EQ(rows.queries, 0);
}

TEST_F(DispatcherTest, asks_the_cache_once_for_requests_that_arrive_together) {
  cache.entries[cache::shop_answer(ShopId{1}).text] = to_stored({200, {}, "{}"});
  struct Count : Reply::Sink {
    explicit Count(std::atomic<int>& to) : hits{to} {}
    void send(Response response) override { hits += response.status == 200 ? 1 : 0; }
    std::atomic<int>& hits;
  };
  std::atomic<int> hits{0};
  for (int i = 0; i < 20; ++i) {
    dispatcher.dispatch(request(Method::get, "/api/v1/shops/1"),
                        Reply{std::make_shared<Count>(hits)});
  }
  EXPECT_EQ(hits, 0);
  dispatcher.settle();
  EXPECT_EQ(hits, 20);
  EXPECT_EQ(cache.round_trips, 1);
}

TEST_F(DispatcherTest, wants_a_token_for_writes) {
  EXPECT_EQ(answer(request(Method::post, "/api/v1/stock-readings")).status, 401);
  EXPECT_EQ(answer(request(Method::post, "/api/v1/stock-readings", "Basic abc")).status, 401);
  EXPECT_EQ(answer(request(Method::post, "/api/v1/stock-readings", "Bearer nonsense")).status, 401);
  EXPECT_EQ(rows.queries, 0) << "garbage is refused without a query";
  EXPECT_EQ(answer(request(Method::post, "/api/v1/stock-readings",
                           "Bearer " + storage::make_token_secret()))
                .status,
            401);
  EXPECT_EQ(answer(request(Method::post, "/api/v1/shops", staff, R"({"name":"x"})")).status, 403);
  EXPECT_EQ(answer(request(Method::post, "/api/v1/shops", admin, R"({"name":"x"})")).status, 200);
}

TEST_F(DispatcherTest, reads_the_scheme_of_a_token_in_any_case) {
  const auto secret = staff.substr(std::string_view{"Bearer "}.size());
  for (const auto* scheme : {"bearer ", "BEARER   "}) {
    EXPECT_EQ(
        answer(request(Method::patch, "/api/v1/stock-readings/5", scheme + secret, "{}")).status,
        200);
  }
  for (const auto& other : {secret, "Bearer" + secret, "Bearer " + secret + " x"}) {
    EXPECT_EQ(answer(request(Method::patch, "/api/v1/stock-readings/5", other, "{}")).status, 401);
  }
}

TEST_F(DispatcherTest, tells_what_may_be_done_at_an_address) {
  const auto options_of = [&](const char* path) { return answer(request(Method::options, path)); };
  EXPECT_EQ(options_of("/api/v1/shops/7/").status, 204);
  EXPECT_EQ(header(options_of("/api/v1/shops/7/"), "Allow"),
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(options_of("*").status, 204);
  EXPECT_EQ(options_of("/api/v1/nothing").status, 404);
}

TEST_F(DispatcherTest, wants_a_token_for_every_read_where_reads_are_not_public) {
  options.public_reads = false;
  cache.entries[cache::shop_answer(ShopId{1}).text] = to_stored({200, {}, "{}"});
  EXPECT_EQ(answer(request(Method::get, "/api/v1/shops/1")).status, 401);
  EXPECT_EQ(answer(request(Method::get, "/api/v1/shops/1", staff)).status, 200);
  EXPECT_EQ(answer(request(Method::get, "/healthz")).status, 200);
}

TEST_F(DispatcherTest, leads_a_write_to_the_ledger_with_what_the_path_names) {
  const auto response =
      answer(request(Method::patch, "/api/v1/stock-readings/5", staff, R"({"quantity":3})"));
  EXPECT_EQ(response.status, 200);
  ASSERT_TRUE(ledger.last);
  EXPECT_EQ(ledger.last->gtin.number(), 4006381333931);
  EXPECT_EQ(ledger.last->actor.id, TokenId{1});
  EXPECT_EQ(answer(request(Method::patch, "/api/v1/stock-readings/6", staff, "{}")).status, 404);
}

TEST_F(DispatcherTest, forgets_a_token_that_the_ledger_found_revoked) {
  ledger.result = storage::Refused{storage::Refused::Why::token_revoked, {}};
  EXPECT_EQ(answer(request(Method::patch, "/api/v1/stock-readings/5", staff, "{}")).status, 401);
  rows.tokens.clear();
  ledger.result = storage::Answer{};
  EXPECT_EQ(answer(request(Method::patch, "/api/v1/stock-readings/5", staff, "{}")).status, 401);
}

TEST_F(DispatcherTest, says_try_again_when_a_dependency_is_down) {
  rows.before_each = [] { throw Unavailable{"postgres", "secret host name"}; };
  for (const auto* path : {"/api/v1/shops/1", "/api/v1/stock-readings", "/readyz"}) {
    const auto response = answer(request(Method::get, path));
    EXPECT_EQ(response.status, 503) << path;
    EXPECT_FALSE(header(response, "Retry-After").empty());
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(answer(request(Method::get, "/healthz")).status, 200);
}

TEST_F(DispatcherTest, hides_the_text_of_a_bug) {
  rows.before_each = [] { throw std::logic_error{"select * from secrets"}; };
  const auto response = answer(request(Method::get, "/api/v1/shops/1"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("secrets"), std::string::npos);
  rows.before_each = [] { throw 42; };  // NOLINT: not even an exception may end the process
  EXPECT_EQ(answer(request(Method::get, "/api/v1/shops/1")).status, 500);
}

TEST_F(DispatcherTest, refuses_bodies_over_the_limit) {
  options.body_bytes_max = 1000;
  EXPECT_EQ(answer(request(Method::post, "/api/v1/shops", admin, std::string(1001, ' '))).status,
            413);
}

TEST_F(DispatcherTest, shows_a_new_token_once) {
  const auto response = answer(request(Method::post, "/api/v1/tokens", admin,
                                       R"({"name":"till 3","role":"staff","shops":[1]})"));
  EXPECT_EQ(response.status, 201);
  EXPECT_NE(response.body.find("\"token\":\"coda_"), std::string::npos);
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
}

TEST_F(DispatcherTest, counts_requests_by_route_and_not_by_path) {
  answer(request(Method::get, "/api/v1/shops/1"));
  answer(request(Method::get, "/api/v1/shops/2"));
  answer(request(Method::get, "/api/v1/nonsense/7"));
  const auto text = metrics.text();
  EXPECT_NE(
      text.find(
          R"(codasync_http_requests_total{method="GET",route="/api/v1/shops/{id}",status="200"} 1)"),
      std::string::npos);
  EXPECT_NE(text.find(R"(status="404"} 1)"), std::string::npos);
  EXPECT_EQ(text.find("nonsense"), std::string::npos);
}

TEST_F(DispatcherTest, is_not_ready_while_it_shuts_down) {
  EXPECT_EQ(answer(request(Method::get, "/readyz")).status, 200);
  service.draining = true;
  EXPECT_EQ(answer(request(Method::get, "/readyz")).status, 503);
}

}  // namespace
}  // namespace codasync::api
