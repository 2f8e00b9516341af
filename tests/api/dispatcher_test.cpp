#include "api/dispatcher.hpp"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/cache_entry.hpp"
#include "api/routes.hpp"
#include "tests/api/fakes.hpp"
#include "tests/support/malformed_answers.hpp"

namespace codasync::api {
namespace {

constexpr const char* kCount = R"({"quantity":3})";

/// A dispatcher with fakes.
class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    rows.shops.insert(
        {1, Shop{ShopId{1}, "North", "UTC", 3, *parse_instant("2026-11-24T09:30:00Z")}});
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

  std::future<Response> begin(Request sent) {
    struct Promise : test::FakeSink {
      std::promise<Response> promise;
      void send(Response response) override { promise.set_value(std::move(response)); }
    };
    auto sink = std::make_shared<Promise>();
    auto future = sink->promise.get_future();
    dispatcher.dispatch(std::move(sent), Reply{sink});
    dispatcher.flush();
    return future;
  }
  Response respond(Request sent) { return begin(std::move(sent)).get(); }

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
  test::FakeSessions sessions;
  test::FakeCache cache{database};
  ApiOptions options;
  Metrics metrics{1};
  Log log{{.level = LogLevel::error}};
  cache::MemcachedOptions memcached;
  SlotLog slot_log{memcached, metrics, log, [] {}};
  FeedLag feed_lag;
  ChangeStreams streams{database, 1, feed_lag, log, {}};
  std::optional<Service> made;  // the threads of the executors use it until they end
  Executor executor{{.threads = 2, .queue_max = 100}};
  Executor control{{.threads = 1, .queue_max = 16}};
  test::FakeExports exports;
  Executor export_threads{{.threads = 1, .queue_max = 1}};
  Activity activity{[] { return ActivityCounts{1, 1, 1}; }};
  TokenUses token_uses{[](const std::vector<TokenId>&) {}, log};
  ImportParts imports{};
  Executor import_threads{{.threads = 1, .queue_max = 1}};
  Service& service =
      made.emplace(options, database, database, database, ledger, catalogue, tokens, sessions,
                   cache, executor, control, metrics, log, slot_log, feed_lag, streams, exports,
                   export_threads, activity, token_uses, imports, import_threads);
  Dispatcher dispatcher{service};
  std::string staff;
  std::string admin;
};

TEST_F(DispatcherTest, responds_to_a_read_with_etag_and_request_id) {
  const auto response = respond(request(Method::get, "/api/v1/shops/1/"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(
      response.body,
      R"({"id":1,"name":"North","time_zone":"UTC","version":3,"updated_at":"2026-11-24T09:30:00Z"})");
  EXPECT_EQ(header(response, "ETag"), "\"3\"");
  EXPECT_TRUE(Uuid::parse(header(response, "X-Request-Id")));
}

TEST_F(DispatcherTest, reads_misses_that_come_during_a_query_with_one_more_query) {
  for (std::int64_t id = 2; id <= 20; ++id) {
    rows.shops.insert({id, Shop{ShopId{id}, "Shop " + std::to_string(id), "UTC", id, {}}});
  }
  std::promise<void> first_begun;
  std::promise<void> others_wait;
  rows.before_each = [&, released = others_wait.get_future().share()] {
    if (rows.queries == 1) {
      first_begun.set_value();
      released.wait();
    }
  };
  std::vector<std::future<Response>> responses;
  responses.push_back(begin(request(Method::get, "/api/v1/shops/1")));
  first_begun.get_future().wait();
  for (std::int64_t id = 2; id <= 21; ++id)  // 21 does not exist
    responses.push_back(begin(request(Method::get, "/api/v1/shops/" + std::to_string(id))));
  responses.push_back(begin(request(Method::get, "/api/v1/shops/7/")));  // wanted twice
  others_wait.set_value();
  for (std::size_t i = 0; i < responses.size(); ++i) {
    const auto response = responses[i].get();
    EXPECT_EQ(response.status, i == 20 ? 404 : 200) << i;
    const auto id = i == 21 ? 7 : static_cast<int>(i) + 1;
    if (response.status != 200) continue;
    EXPECT_TRUE(response.body.starts_with("{\"id\":" + std::to_string(id) + ","));
  }
  EXPECT_EQ(rows.queries, 2);
}

TEST_F(DispatcherTest, reads_no_miss_on_the_event_loop_when_the_executor_is_full) {
  std::promise<void> end;
  const auto ended = end.get_future().share();
  std::latch begun{2};  // both threads
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(executor.submit(Executor::Kind::work, [&begun, ended](Executor::Start) {
      begun.count_down();
      ended.wait();
    }));
  }
  begun.wait();
  while (executor.submit(Executor::Kind::work, [](Executor::Start) {})) continue;
  EXPECT_EQ(respond(request(Method::get, "/api/v1/shops/1")).status, 503);
  EXPECT_EQ(rows.queries, 0);
  end.set_value();
  while (executor.waiting() > 0) std::this_thread::yield();
  EXPECT_EQ(respond(request(Method::get, "/api/v1/shops/1")).status, 200) << "a worker is free";
}

TEST_F(DispatcherTest, refuses_each_read_of_a_batch_whose_query_fails) {
  std::promise<void> first_begun;
  std::promise<void> others_wait;
  rows.before_each = [&, released = others_wait.get_future().share()] {
    if (rows.queries > 1) throw Unavailable{"postgres", "secret host name"};
    first_begun.set_value();
    released.wait();
  };
  auto first = begin(request(Method::get, "/api/v1/shops/1"));
  first_begun.get_future().wait();
  std::vector<std::future<Response>> others;
  for (int id = 2; id < 12; ++id)
    others.push_back(begin(request(Method::get, "/api/v1/shops/" + std::to_string(id))));
  others_wait.set_value();
  EXPECT_EQ(first.get().status, 200);
  for (auto& other : others) EXPECT_EQ(other.get().status, 503);
  rows.before_each = [] {};
  EXPECT_EQ(respond(request(Method::get, "/api/v1/shops/1")).status, 200) << "a worker is free";
}

TEST_F(DispatcherTest, accepts_only_request_ids_of_safe_characters) {
  auto sent = request(Method::get, "/healthz");
  sent.request_id = "shelf-42.A";
  EXPECT_EQ(header(respond(sent), "X-Request-Id"), "shelf-42.A");
  sent.request_id = "a b";
  EXPECT_NE(header(respond(sent), "X-Request-Id"), "a b");
  sent.request_id = std::string(129, 'a');
  EXPECT_NE(header(respond(sent), "X-Request-Id"), sent.request_id);
}

TEST_F(DispatcherTest, responds_304_when_the_etag_matches) {
  auto sent = request(Method::get, "/api/v1/shops/1");
  sent.if_none_match = "W/\"3\"";
  const auto response = respond(sent);
  EXPECT_EQ(response.status, 304);
  EXPECT_TRUE(response.body.empty());
  EXPECT_EQ(header(response, "ETag"), "\"3\"");
  sent.if_none_match = "\"2\"";
  EXPECT_EQ(respond(sent).status, 200);
}

TEST_F(DispatcherTest, reads_nothing_for_a_client_that_has_gone) {
  struct Gone : test::FakeSink {
    std::promise<int> status;
    void send(Response response) override { status.set_value(response.status); }
    [[nodiscard]] bool client_gone() const noexcept override { return true; }
  };
  for (const auto* path : {"/api/v1/shops/1", "/api/v1/shops", "/api/v1/stock-readings/5"}) {
    const auto sink = std::make_shared<Gone>();
    dispatcher.dispatch(request(Method::get, path), Reply{sink});
    dispatcher.flush();
    EXPECT_EQ(sink->status.get_future().get(), 499) << path;
  }
  EXPECT_EQ(rows.queries, 0);
}

TEST_F(DispatcherTest, responds_from_the_cache_without_a_query) {
  cache.entries[cache::shop_response(ShopId{1}).text] =
      to_cache_entry({200, {{"ETag", "\"9\""}}, "{\"cached\":true}"});
  const auto response = respond(request(Method::get, "/api/v1/shops/1"));
  EXPECT_EQ(response.body, "{\"cached\":true}");
  EXPECT_EQ(rows.queries, 0);
}

TEST_F(DispatcherTest, treats_a_malformed_entry_as_a_miss) {
  for (const auto& value : test::malformed_answers()) {
    cache.entries[cache::shop_response(ShopId{1}).text] = value;
    const auto response = respond(request(Method::get, "/api/v1/shops/1"));
    EXPECT_EQ(response.status, 200) << testing::PrintToString(value);
    EXPECT_EQ(header(response, "ETag"), "\"3\"") << testing::PrintToString(value);
  }
}

TEST_F(DispatcherTest, tolerates_a_malformed_etag_in_an_entry) {
  auto sent = request(Method::get, "/api/v1/shops/1");
  sent.if_none_match = "*";
  for (const auto* tag : {"x", "\"", "\"\""}) {
    cache.entries[cache::shop_response(ShopId{1}).text] =
        to_cache_entry({200, {{"ETag", tag}}, "{}"});
    EXPECT_LE(respond(sent).status, 304) << tag;
  }
}

TEST_F(DispatcherTest, looks_up_requests_that_arrive_together_in_one_round_trip) {
  cache.entries[cache::shop_response(ShopId{1}).text] = to_cache_entry({200, {}, "{}"});
  struct Count : test::FakeSink {
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
  dispatcher.flush();
  EXPECT_EQ(hits, 20);
  EXPECT_EQ(cache.round_trips, 1);
}

TEST_F(DispatcherTest, requires_a_token_for_writes) {
  EXPECT_EQ(respond(request(Method::post, "/api/v1/stock-readings")).status, 401);
  EXPECT_EQ(respond(request(Method::post, "/api/v1/stock-readings", "Basic abc")).status, 401);
  EXPECT_EQ(respond(request(Method::post, "/api/v1/stock-readings", "Bearer nonsense")).status,
            401);
  EXPECT_EQ(rows.queries, 0) << "a malformed token is refused without a query";
  EXPECT_EQ(respond(request(Method::post, "/api/v1/stock-readings",
                            "Bearer " + storage::make_token_secret()))
                .status,
            401);
  EXPECT_EQ(respond(request(Method::post, "/api/v1/shops", staff, R"({"name":"x"})")).status, 403);
  EXPECT_EQ(respond(request(Method::post, "/api/v1/shops", admin, R"({"name":"x"})")).status, 204);
}

TEST_F(DispatcherTest, accepts_the_bearer_scheme_in_any_case) {
  const auto secret = staff.substr(std::string_view{"Bearer "}.size());
  for (const auto* scheme : {"bearer ", "BEARER   "}) {
    EXPECT_EQ(
        respond(request(Method::patch, "/api/v1/stock-readings/5", scheme + secret, kCount)).status,
        200);
  }
  for (const auto& other : {secret, "Bearer" + secret, "Bearer " + secret + " x"}) {
    EXPECT_EQ(respond(request(Method::patch, "/api/v1/stock-readings/5", other, "{}")).status, 401);
  }
}

TEST_F(DispatcherTest, responds_to_options_with_the_allowed_methods) {
  const auto options_of = [&](const char* path) { return respond(request(Method::options, path)); };
  EXPECT_EQ(options_of("/api/v1/shops/7/").status, 204);
  EXPECT_EQ(header(options_of("/api/v1/shops/7/"), "Allow"),
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(options_of("*").status, 204);
  EXPECT_EQ(options_of("/api/v1/nothing").status, 404);
}

TEST_F(DispatcherTest, requires_a_token_for_every_read_when_reads_are_not_public) {
  options.public_reads = false;
  cache.entries[cache::shop_response(ShopId{1}).text] = to_cache_entry({200, {}, "{}"});
  EXPECT_EQ(respond(request(Method::get, "/api/v1/shops/1")).status, 401);
  EXPECT_EQ(respond(request(Method::get, "/api/v1/shops/1", staff)).status, 200);
  EXPECT_EQ(respond(request(Method::get, "/healthz")).status, 200);
}

TEST_F(DispatcherTest, submits_a_write_to_the_ledger_with_the_reading_of_the_path) {
  const auto response =
      respond(request(Method::patch, "/api/v1/stock-readings/5", staff, R"({"quantity":3})"));
  EXPECT_EQ(response.status, 200);
  ASSERT_TRUE(ledger.last);
  EXPECT_EQ(ledger.last->gtin.number(), 4006381333931);
  EXPECT_EQ(ledger.last->actor.id, TokenId{1});
  EXPECT_EQ(respond(request(Method::patch, "/api/v1/stock-readings/6", staff, kCount)).status, 404);
}

TEST_F(DispatcherTest, removes_a_token_that_the_ledger_found_revoked) {
  ledger.result = storage::Refused{storage::Refused::Why::token_revoked, {}};
  EXPECT_EQ(respond(request(Method::patch, "/api/v1/stock-readings/5", staff, kCount)).status, 401);
  rows.tokens.clear();
  ledger.result = test::written(test::reading());
  EXPECT_EQ(respond(request(Method::patch, "/api/v1/stock-readings/5", staff, kCount)).status, 401);
}

/// After a failover the id 5 belongs to another reading. The process has cached the lost one.
class AnotherHistory : public DispatcherTest {
 protected:
  AnotherHistory() {
    rows.readings.insert({5, reading_of(kLost)});
    EXPECT_EQ(respond(request(Method::get, kPath)).status, 200);
    rows.reading_keys.at(5) = kCurrent;
    rows.readings.at(5) = reading_of(kCurrent);
  }

  static Reading reading_of(const storage::ReadingKey& key) {
    auto reading = test::reading();
    reading.shop = key.shop;
    reading.gtin = key.gtin;
    return reading;
  }
  [[nodiscard]] bool locked(const storage::ReadingKey& key) const {
    const auto name = storage::reading_lock(key.shop, key.gtin);
    return std::any_of(cache.locks.begin(), cache.locks.end(),
                       [&](const storage::Lock& lock) { return lock.name == name; });
  }

  static inline const storage::ReadingKey kLost{ShopId{1}, Gtin::from_number(4006381333931)};
  static inline const storage::ReadingKey kCurrent{ShopId{2}, Gtin::from_number(96385074)};
  static constexpr const char* kPath = "/api/v1/stock-readings/5";
};

TEST_F(AnotherHistory, is_detected_by_a_read_which_locks_the_row_it_reads) {
  ASSERT_TRUE(locked(kLost));
  const auto response = respond(request(Method::get, kPath));
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("96385074"), std::string::npos) << response.body;
  EXPECT_TRUE(locked(kCurrent));
  EXPECT_FALSE(locked(kLost));
}

TEST_F(AnotherHistory, is_detected_by_each_write_that_does_not_find_its_reading) {
  ledger.exists = [&](const storage::StockOperation& operation) {
    return operation.shop == kCurrent.shop && operation.gtin == kCurrent.gtin;
  };
  const std::string event = "/history/01890a5d-ac96-774b-bcce-b302099a8057";
  struct Case {
    Method method;
    std::string path;
    std::string body;
  };
  for (const auto& [method, path, body] :
       {Case{Method::patch, "", kCount}, Case{Method::post, "/adjust", R"({"delta":1})"},
        Case{Method::del, "", ""}, Case{Method::del, event, ""}}) {
    service.reading_keys.store(ReadingId{5}, kLost);
    EXPECT_LT(respond(request(method, kPath + path, staff, body)).status, 300) << path;
    EXPECT_EQ(ledger.last->shop, kCurrent.shop);
    EXPECT_EQ(ledger.last->gtin, kCurrent.gtin);
  }
}

TEST_F(AnotherHistory, without_this_id_returns_404) {
  rows.reading_keys.clear();
  rows.readings.clear();
  ledger.exists = [](const storage::StockOperation&) { return false; };
  EXPECT_EQ(respond(request(Method::patch, kPath, staff, kCount)).status, 404);
  EXPECT_EQ(respond(request(Method::get, kPath)).status, 404);
}

TEST_F(AnotherHistory, that_changes_with_each_query_returns_503) {
  rows.reading_keys.at(5) = kLost;
  rows.readings.at(5) = reading_of(kLost);
  rows.readings.at(5).id = ReadingId{6};
  const auto response = respond(request(Method::get, kPath));
  EXPECT_EQ(response.status, 503);
  EXPECT_FALSE(header(response, "Retry-After").empty());
}

TEST_F(DispatcherTest, queries_once_more_for_a_reading_that_was_removed) {
  ledger.exists = [](const storage::StockOperation&) { return false; };
  const auto patch = request(Method::patch, "/api/v1/stock-readings/5", staff, kCount);
  EXPECT_EQ(respond(patch).status, 404);
  const int queries = rows.queries;
  EXPECT_EQ(respond(patch).status, 404);
  EXPECT_EQ(rows.queries, queries + 1);
}

TEST_F(DispatcherTest, responds_503_with_retry_after_when_a_dependency_is_unavailable) {
  rows.before_each = [] { throw Unavailable{"postgres", "secret host name"}; };
  for (const auto* path : {"/api/v1/shops/1", "/api/v1/stock-readings", "/readyz"}) {
    const auto response = respond(request(Method::get, path));
    EXPECT_EQ(response.status, 503) << path;
    EXPECT_FALSE(header(response, "Retry-After").empty());
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(respond(request(Method::get, "/healthz")).status, 200);
}

TEST_F(DispatcherTest, does_not_show_the_text_of_an_exception) {
  service.schema_fits = true;
  rows.before_each = [] { throw std::logic_error{"select * from secrets"}; };
  const auto response = respond(request(Method::get, "/api/v1/shops/1"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("secrets"), std::string::npos);
  rows.before_each = [] { throw 42; };  // NOLINT: not an exception; it must not end the process
  EXPECT_EQ(respond(request(Method::get, "/api/v1/shops/1")).status, 500);
}

TEST_F(DispatcherTest, responds_503_to_a_bug_as_long_as_the_schema_may_be_another_one) {
  rows.before_each = [] { throw std::logic_error{"a table does not exist"}; };
  EXPECT_EQ(respond(request(Method::get, "/api/v1/shops/1")).status, 503);
}

TEST_F(DispatcherTest, refuses_bodies_over_the_limit) {
  options.body_bytes_max = 1000;
  EXPECT_EQ(respond(request(Method::post, "/api/v1/shops", admin, std::string(1001, ' '))).status,
            413);
}

constexpr const char* kTwoItems = R"({"items":[
    {"id":"a","op":"remove","shop":1,"GTIN":"4006381333931"},
    {"id":"b","op":"remove","shop":1,"GTIN":"96385074"}]})";

// 503 promises that nothing was changed.
TEST_F(DispatcherTest, of_a_list_without_a_result_responds_504_if_one_operation_is_in_doubt) {
  const storage::Failed refused{"queue", "detail"};
  const storage::Failed doubtful{"postgres", "detail", storage::Failed::Kind::in_doubt};
  const auto status = [&](const storage::Failed& one, const storage::Failed& other) {
    ledger.first = {one, other};
    return respond(request(Method::post, "/api/v1/stock-readings/batch", staff, kTwoItems)).status;
  };
  EXPECT_EQ(status(refused, refused), 503);
  EXPECT_EQ(status(doubtful, refused), 504);
  EXPECT_EQ(status(refused, doubtful), 504);
}

TEST_F(DispatcherTest, of_sync_responds_504_if_operations_are_recorded_and_changes_cannot_be_read) {
  const auto status = [&](const std::string& operations) {
    bool first = true;  // the token is read before
    rows.before_each = [&] {
      if (!std::exchange(first, false)) throw Unavailable{"postgres", "detail"};
    };
    return respond(
               request(
                   Method::post, "/api/v1/sync", staff,
                   R"({"device":"6d1f4c9e-0d0f-4c5e-9d35-0f1f3f0a7a11","shop":1,"operations":[)" +
                       operations + "]}"))
        .status;
  };
  EXPECT_EQ(status(R"({"id":"0f6e3b52-6f0c-4c7e-8a39-6a3c3a1b0001","kind":"remove",
                       "GTIN":"4006381333931","observed_at":"2026-11-28T09:00:00Z"})"),
            504);
  EXPECT_EQ(status(""), 503) << "it only reads";
}

TEST_F(DispatcherTest, shows_the_secret_of_a_new_token) {
  const auto response = respond(request(Method::post, "/api/v1/tokens", admin,
                                        R"({"name":"till 3","role":"staff","shops":[1]})"));
  EXPECT_EQ(response.status, 201);
  EXPECT_NE(response.body.find("\"token\":\"coda_"), std::string::npos);
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
}

TEST_F(DispatcherTest, counts_requests_by_route_not_by_path) {
  respond(request(Method::get, "/api/v1/shops/1"));
  respond(request(Method::get, "/api/v1/shops/2"));
  respond(request(Method::get, "/api/v1/nonsense/7"));
  const auto text = metrics.text();
  EXPECT_NE(
      text.find(
          R"(codasync_http_requests_total{method="GET",route="/api/v1/shops/{id}",status="200"} 1)"),
      std::string::npos);
  EXPECT_NE(text.find(R"(status="404"} 1)"), std::string::npos);
  EXPECT_EQ(text.find("nonsense"), std::string::npos);
}

TEST_F(DispatcherTest, is_ready_after_the_first_check_of_the_slots_until_it_shuts_down) {
  EXPECT_EQ(respond(request(Method::get, "/readyz")).status, 503);
  slot_log.finished();
  EXPECT_EQ(respond(request(Method::get, "/readyz")).status, 200);
  service.draining = true;
  EXPECT_EQ(respond(request(Method::get, "/readyz")).status, 503);
}

/// Returns: a path that matches the route.
std::string path_of(const Route& route) {
  std::string path{route.pattern};
  const std::pair<std::string, std::string> values[] = {
      {"{gtin}", "4006381333931"},
      {"{event}", "01a2267e-de7b-7ba7-b128-66228b07008a"},
      {"{import}", "01a2267e-de7b-7ba7-b128-66228b07008a"},
      {"{id}", route.pattern.starts_with("/api/v1/stock-readings") ? "5" : "1"}};
  for (const auto& [variable, value] : values) {
    const auto at = path.find(variable);
    if (at != std::string::npos) path.replace(at, variable.size(), value);
  }
  return path;
}

TEST_F(DispatcherTest, refuses_unknown_parameters_at_every_address) {
  for (const auto& route : routes()) {
    auto sent = request(route.method, path_of(route), admin, "{}");
    sent.query = "bogus=1";
    rows.queries = 0;
    const auto response = respond(sent);
    EXPECT_EQ(response.status, 400) << name_of(route.method) << route.pattern;
    EXPECT_NE(response.body.find("urn:codasync:problem:bad-query"), std::string::npos);
    EXPECT_NE(response.body.find("Unknown parameter."), std::string::npos) << response.body;
    EXPECT_EQ(rows.queries, 0) << route.pattern;
    EXPECT_FALSE(ledger.last) << route.pattern;
  }
}

TEST_F(DispatcherTest, validates_every_parameter_of_an_address) {
  for (const auto& route : routes()) {
    for (const auto name : route.parameters) {
      auto sent = request(route.method, path_of(route), admin);
      if (is_upload(sent))
        continue;  // it comes with a file: tests/service/import_over_http_test.cpp
      sent.query = std::string{name} + "=%00";
      const auto response = respond(sent);
      EXPECT_EQ(response.status, 400) << route.pattern << " " << name;
      EXPECT_NE(response.body.find("urn:codasync:problem:bad-query"), std::string::npos);
      EXPECT_NE(response.body.find("\"" + std::string{name} + "\":["), std::string::npos)
          << response.body;
    }
  }
}

// Nginx looks up only addresses without a query, in the same entries.
TEST_F(DispatcherTest, uses_cache_entries_only_without_parameters) {
  const auto gtin = Gtin::from_number(4006381333931);
  for (const auto& key : {cache::shop_response(ShopId{1}), cache::product_stock_response(gtin)})
    cache.entries[key.text] = to_cache_entry({200, {}, "{\"cached\":true}"});
  auto shop = request(Method::get, "/api/v1/shops/1");
  auto stock = request(Method::get, "/api/v1/products/4006381333931/stock");
  for (const auto* none : {"", "&"}) {
    shop.query = stock.query = none;
    EXPECT_EQ(respond(shop).body, "{\"cached\":true}") << none;
    EXPECT_EQ(respond(stock).body, "{\"cached\":true}") << none;
  }
  EXPECT_EQ(rows.queries, 0);
  shop.query = "bogus=1";
  EXPECT_EQ(respond(shop).status, 400);
  stock.query = "in_stock=true";
  EXPECT_NE(respond(stock).body, "{\"cached\":true}");
  EXPECT_GT(rows.queries, 0);
}

TEST_F(DispatcherTest, shows_tokens_to_admins_and_to_each_token_itself) {
  const auto self = respond(request(Method::get, "/api/v1/tokens/self", staff));
  EXPECT_EQ(self.status, 200);
  EXPECT_NE(self.body.find("\"id\":1,\"name\":\"t\",\"role\":\"staff\""), std::string::npos)
      << self.body;
  EXPECT_EQ(self.body.find("coda_"), std::string::npos);
  EXPECT_NE(respond(request(Method::get, "/api/v1/tokens/self", admin)).body.find("\"id\":2"),
            std::string::npos);
  EXPECT_EQ(respond(request(Method::get, "/api/v1/tokens/self")).status, 401);
  EXPECT_EQ(respond(request(Method::get, "/api/v1/tokens/1", staff)).status, 403);
  EXPECT_EQ(respond(request(Method::get, "/api/v1/tokens/1", admin)).status, 404);
  const auto refused = respond(request(Method::del, "/api/v1/tokens/self", admin));
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(header(refused, "Allow"), "GET, HEAD, OPTIONS");
}

}  // namespace
}  // namespace codasync::api
