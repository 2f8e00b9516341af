#include <algorithm>
#include <vector>

#include "storage/housekeeper.hpp"
#include "storage/make_storage.hpp"
#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kSession = "/api/v1/session";
constexpr const char* kReadings = "/api/v1/stock-readings";

/// Browsers that sign in at a service on this machine, over plain http.
class SessionTest : public ServiceTest {
 protected:
  explicit SessionTest(std::vector<std::string> settings = {}) : ServiceTest{std::move(settings)} {
    do_not_compare_reads();
  }

  static httplib::Headers of_own_page(httplib::Headers more = {}) {
    more.emplace("Sec-Fetch-Site", "same-origin");
    return more;
  }
  static httplib::Headers with(const std::string& cookie) {
    return of_own_page({{"Cookie", cookie}});
  }
  HttpResponse sign_in_with(const std::string& token, httplib::Headers headers = of_own_page()) {
    return post(kSession, R"({"token":")" + token + "\"}", headers);
  }
  /// Returns: name and value of the cookie that a response sets.
  static std::string cookie_of(const HttpResponse& response) {
    const auto set = response.header("Set-Cookie");
    return set.substr(0, set.find(';'));
  }
  std::string sign_in(const httplib::Headers& token) {
    const auto response = sign_in_with(secret_of(token));
    EXPECT_EQ(response.status, 200) << response.body;
    return cookie_of(response);
  }
  static std::string secret_of(const httplib::Headers& token) {
    return token.find("Authorization")->second.substr(std::string{"Bearer "}.size());
  }
  std::string sighting(std::size_t product = 0) {
    return R"({"shop":)" + shop() + R"(,"GTIN":")" + some_gtins().at(product) +
           R"(","name":"Tea","expiry_date":"2027-12-24"})";
  }
  std::string sessions() { return database().run("select count(*) from sessions"); }
};

TEST_F(SessionTest, writes_under_the_name_of_its_token_until_the_browser_signs_out) {
  const auto signed_in = sign_in_with(secret_of(staff()));
  ASSERT_EQ(signed_in.status, 200) << signed_in.body;
  EXPECT_EQ(signed_in.header("Cache-Control"), "no-store");
  EXPECT_THAT(
      signed_in.header("Set-Cookie"),
      AllOf(StartsWith("codasync=coda_"), HasSubstr("; HttpOnly"), HasSubstr("; SameSite=Strict"),
            HasSubstr("; Path=/"), Not(HasSubstr("Secure")), Not(HasSubstr("Domain"))));
  const auto row = signed_in.row();
  EXPECT_EQ(row.at("name"), "\"staff\"");
  EXPECT_EQ(row.at("role"), "\"staff\"");
  EXPECT_EQ(row.at("shops"), "[]");
  EXPECT_EQ(row.at("person"), "null");
  EXPECT_EQ(row.count("token"), 0U);

  const auto cookie = cookie_of(signed_in);
  const auto read = get(kSession, {{"Cookie", cookie}});
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.row().at("token_id"), row.at("token_id"));
  EXPECT_EQ(read.header("Cache-Control"), "no-store");
  const auto written = post(kReadings, sighting(), with(cookie));
  ASSERT_EQ(written.status, 201) << written.body;
  const auto history =
      std::string{kReadings} + "/" + std::to_string(written.number("id")) + "/history";
  EXPECT_EQ(get(history, {{"Cookie", "other=1; " + cookie}}).text("actor"), "staff");

  const auto out = del(kSession, with(cookie));
  EXPECT_EQ(out.status, 204);
  EXPECT_THAT(out.header("Set-Cookie"), AllOf(StartsWith("codasync=;"), HasSubstr("Max-Age=0")));
  EXPECT_EQ(get(kSession, {{"Cookie", cookie}}).status, 401);
  EXPECT_EQ(post(kReadings, sighting(1), with(cookie)).status, 401);
  EXPECT_EQ(del(kSession, with(cookie)).status, 204) << "a second time";
}

TEST_F(SessionTest, is_not_started_with_a_text_that_is_no_valid_token) {
  const auto revoked = post("/api/v1/tokens", R"({"name":"a","role":"staff"})", admin());
  del("/api/v1/tokens/" + std::to_string(revoked.number("id")), admin());
  for (const auto& token :
       {std::string{"nonsense"}, storage::make_token_secret(), revoked.text("token")}) {
    const auto response = sign_in_with(token);
    EXPECT_EQ(response.status, 401) << token;
    EXPECT_EQ(response.headers.count("Set-Cookie"), 0U);
  }
  EXPECT_EQ(sign_in_with(" ").status, 400);
  EXPECT_EQ(sessions(), "0");
}

TEST_F(SessionTest, ends_in_the_same_instant_as_its_token) {
  start_second_instance();
  Connection other{*this, 1};
  const auto token = post("/api/v1/tokens", R"({"name":"a","role":"staff"})", admin());
  const auto cookie = cookie_of(sign_in_with(token.text("token")));
  ASSERT_EQ(other.send("POST", kReadings, sighting(0), with(cookie)).status, 201);
  ASSERT_EQ(post(kReadings, sighting(1), with(cookie)).status, 201);
  del("/api/v1/tokens/" + std::to_string(token.number("id")), admin());
  EXPECT_EQ(post(kReadings, sighting(2), with(cookie)).status, 401);
  EXPECT_EQ(other.send("POST", kReadings, sighting(2), with(cookie)).status, 401);
  EXPECT_EQ(other.send("GET", kSession, "", {{"Cookie", cookie}}).status, 401);
}

TEST_F(SessionTest, signed_out_in_one_process_is_over_in_all) {
  start_second_instance();
  Connection other{*this, 1};
  const auto cookie = sign_in(staff());
  ASSERT_EQ(other.send("POST", kReadings, sighting(0), with(cookie)).status, 201);
  ASSERT_EQ(del(kSession, with(cookie)).status, 204);
  EXPECT_EQ(other.send("POST", kReadings, sighting(1), with(cookie)).status, 401);
}

/// One request of each kind of write.
struct Write {
  std::string method;
  std::string path;
  std::string body;
};

TEST_F(SessionTest, is_no_credential_for_pages_of_other_addresses) {
  const auto cookie = sign_in(admin());
  const auto id = std::to_string(a_reading(some_gtins()[9]));
  const std::vector<Write> writes{
      {"POST", kReadings, sighting()},
      {"PATCH", std::string{kReadings} + "/" + id, R"({"quantity":3})"},
      {"POST", std::string{kReadings} + "/" + id + "/adjust", R"({"delta":1})"},
      {"DELETE", std::string{kReadings} + "/" + id, ""},
      {"POST", "/api/v1/scan", R"({"shop":1,"codes":["4006381333931"]})"},
      {"POST", "/api/v1/sync", R"({"device":"0f6e3b52-6f0c-4c7e-8a39-6a3c3a1b0001","shop":1})"},
      {"POST", "/api/v1/shops", R"({"name":"South"})"},
      {"DELETE", "/api/v1/shops/" + shop(), ""},
      {"DELETE", kSession, ""},
      {"POST", kSession, R"({"token":")" + secret_of(admin()) + "\"}"},
  };
  const auto own = "http://127.0.0.1:" + std::to_string(port_of(0));
  const std::vector<httplib::Headers> pages{
      {},
      {{"Sec-Fetch-Site", "same-site"}},
      {{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}},
      {{"Sec-Fetch-Site", "none"}},
      {{"Sec-Fetch-Site", "same-site"}, {"Origin", own}},
      {{"Origin", "http://127.0.0.1:1"}},
      {{"Origin", "https://127.0.0.1:" + std::to_string(port_of(0))}},
      {{"Origin", own + ".evil.example"}},
      {{"Origin", "null"}},
  };
  const auto before = database().run(
      "select (select count(*) from stock_events), "
      "(select count(*) from audit), (select count(*) from sessions)");
  for (const auto& write : writes) {
    for (auto page : pages) {
      page.emplace("Cookie", cookie);
      const auto response = send(write.method, write.path, write.body, page);
      EXPECT_EQ(response.status, 403) << write.method << " " << write.path;
    }
    // What a form of any page can send.
    for (const std::string type :
         {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"}) {
      auto page = with(cookie);
      page.emplace("Content-Type", type);
      EXPECT_EQ(send(write.method, write.path, write.body.empty() ? "x" : write.body, page).status,
                403)
          << write.path << " " << type;
    }
  }
  EXPECT_EQ(database().run("select (select count(*) from stock_events), "
                           "(select count(*) from audit), (select count(*) from sessions)"),
            before);
  EXPECT_EQ(get(kSession, {{"Cookie", cookie}}).status, 200);
}

TEST_F(SessionTest, of_a_browser_without_fetch_metadata_needs_its_own_origin) {
  const httplib::Headers own{{"Origin", "http://127.0.0.1:" + std::to_string(port_of(0))}};
  const auto signed_in = sign_in_with(secret_of(staff()), own);
  ASSERT_EQ(signed_in.status, 200);
  auto headers = own;
  headers.emplace("Cookie", cookie_of(signed_in));
  EXPECT_EQ(post(kReadings, sighting(), headers).status, 201);
}

TEST_F(SessionTest, of_the_browser_before_ends_when_it_signs_in_again) {
  const auto first = sign_in(staff());
  const auto second = sign_in_with(secret_of(admin()), with(first));
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(get(kSession, {{"Cookie", first}}).status, 401);
  const auto third = sign_in_with(storage::make_token_secret(), with(cookie_of(second)));
  EXPECT_EQ(third.status, 401);
  EXPECT_EQ(get(kSession, {{"Cookie", cookie_of(second)}}).status, 200)
      << "a failed attempt ends nothing";
}

TEST_F(SessionTest, cannot_create_tokens) {
  const auto cookie = sign_in(admin());
  const std::string draft = R"({"name":"a","role":"admin"})";
  EXPECT_EQ(post("/api/v1/tokens", draft, with(cookie)).status, 403);
  auto both = with(cookie);
  both.emplace("Authorization", admin().find("Authorization")->second);
  EXPECT_EQ(post("/api/v1/tokens", draft, both).status, 201);
  EXPECT_EQ(get("/api/v1/tokens", {{"Cookie", cookie}}).status, 200);
}

TEST_F(SessionTest, has_the_rights_of_its_token_only) {
  const auto cookie = sign_in(staff());
  EXPECT_EQ(get("/api/v1/tokens", {{"Cookie", cookie}}).status, 403);
  EXPECT_EQ(post("/api/v1/shops", R"({"name":"South"})", with(cookie)).status, 403);
  auto both = with(cookie);
  both.emplace("Authorization", admin().find("Authorization")->second);
  EXPECT_EQ(post("/api/v1/shops", R"({"name":"South"})", both).status, 201)
      << "a token counts before a session";
}

TEST_F(SessionTest, secret_is_no_token_and_a_token_is_no_session) {
  const auto cookie = sign_in(staff());
  const auto secret = cookie.substr(cookie.find('=') + 1);
  EXPECT_EQ(post(kReadings, sighting(), {{"Authorization", "Bearer " + secret}}).status, 401);
  EXPECT_EQ(get(kSession, {{"Cookie", "codasync=" + secret_of(staff())}}).status, 401);
  EXPECT_EQ(get(kSession, staff()).status, 401);
  for (const std::string& wrong :
       std::vector<std::string>{"codasync=", "codasync=x", "codasync", "xcodasync=" + secret,
                                "__Host-codasync=" + secret, "codasync =" + secret}) {
    EXPECT_EQ(get(kSession, {{"Cookie", wrong}}).status, 401) << wrong;
  }
}

TEST_F(SessionTest, of_a_public_read_changes_nothing) {
  const auto address = std::string{kReadings} + "/" + std::to_string(a_reading(some_gtins()[0]));
  const auto without = get(address);
  const auto wrong = get(address, {{"Cookie", "codasync=coda_nonsense"}});
  const auto right = get(address, {{"Cookie", sign_in(staff())}});
  for (const auto& response : {wrong, right}) {
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, without.body);
    EXPECT_EQ(response.header("ETag"), without.header("ETag"));
    EXPECT_EQ(response.headers.count("Vary"), 0U);
    EXPECT_EQ(response.headers.count("Access-Control-Allow-Credentials"), 0U);
  }
}

TEST_F(SessionTest, ends_when_it_is_not_used_and_each_use_moves_the_end) {
  const auto of_staff = sign_in(staff());
  const auto of_admin = sign_in(admin());
  const auto works = [&](const std::string& cookie) {
    return get(kSession, {{"Cookie", cookie}}).status == 200;
  };
  const auto unused_for = [&](const std::string& interval) {
    database().run("update sessions set seen_at = clock_timestamp() - interval '" + interval + "'");
  };
  for (int day = 0; day < 3; ++day) {
    unused_for("11 hours");
    EXPECT_TRUE(works(of_staff));
    EXPECT_TRUE(works(of_admin));
  }
  unused_for("13 hours");
  EXPECT_TRUE(works(of_staff));
  EXPECT_FALSE(works(of_admin));
  unused_for("29 days");
  EXPECT_TRUE(works(of_staff));
  unused_for("31 days");
  EXPECT_FALSE(works(of_staff));
  EXPECT_EQ(sessions(), "2");
  storage::delete_ended_sessions(database().options(), {});
  EXPECT_EQ(sessions(), "0");
}

TEST_F(SessionTest, is_not_written_for_each_use) {
  const auto cookie = sign_in(staff());
  const auto seen = [&] { return database().run("select seen_at from sessions"); };
  const auto before = seen();
  get(kSession, {{"Cookie", cookie}});
  EXPECT_EQ(seen(), before);
  database().run("update sessions set seen_at = seen_at - interval '2 minutes'");
  get(kSession, {{"Cookie", cookie}});
  EXPECT_GT(seen(), before);
}

TEST_F(SessionTest, ends_at_the_latest_with_its_token) {
  const auto token =
      post("/api/v1/tokens", R"({"name":"a","role":"staff","expires_at":"2090-01-01T00:00:00Z"})",
           admin());
  const auto signed_in = sign_in_with(token.text("token"));
  EXPECT_THAT(signed_in.text("ends"), Not(StartsWith("2090")));
  database().run(
      "update tokens set expires_at = date_trunc('second', clock_timestamp()) + interval '2 hours'"
      " where name = 'a'");
  const auto cookie = cookie_of(signed_in);
  EXPECT_EQ(get(kSession, {{"Cookie", cookie}}).text("ends"),
            database().run("select to_char(expires_at at time zone 'UTC', "
                           "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from tokens where name = 'a'"));
  database().run("update tokens set expires_at = clock_timestamp() where name = 'a'");
  EXPECT_EQ(get(kSession, {{"Cookie", cookie}}).status, 401);
  storage::delete_ended_sessions(database().options(), {});
  EXPECT_EQ(sessions(), "0");
}

TEST_F(SessionTest, of_one_token_are_limited_and_the_one_that_was_unused_longest_ends) {
  const auto oldest = sign_in(staff());
  database().run("update sessions set seen_at = clock_timestamp() - interval '1 hour'");
  const auto newer = sign_in(staff());
  database().run(
      "insert into sessions (secret_hash, token_id) select sha256(n::text::bytea),"
      " (select token_id from sessions limit 1) from generate_series(1, 998) n");
  const auto newest = sign_in(staff());
  EXPECT_EQ(sessions(), std::to_string(storage::kSessionsOfTokenMax));
  EXPECT_EQ(get(kSession, {{"Cookie", oldest}}).status, 401);
  EXPECT_EQ(get(kSession, {{"Cookie", newer}}).status, 200);
  EXPECT_EQ(get(kSession, {{"Cookie", newest}}).status, 200);
}

TEST_F(SessionTest, secret_is_neither_logged_nor_stored) {
  const auto cookie = sign_in(staff());
  post(kReadings, sighting(), with(cookie));
  get(kSession, {{"Cookie", cookie}});
  const auto secret = cookie.substr(cookie.find('=') + 1);
  EXPECT_THAT(service_log(), Not(HasSubstr(secret)));
  EXPECT_THAT(service_log(), Not(HasSubstr(secret_of(staff()))));
  EXPECT_EQ(database().run("select count(*) from sessions where secret_hash = sha256('" + secret +
                           "'::bytea)"),
            "1");
}

/// The service behind a reverse proxy that ends TLS.
class SessionOverHttpsTest : public SessionTest {
 protected:
  SessionOverHttpsTest() : SessionTest{{"CODASYNC_SERVER_BEHIND_PROXY=true"}} {}

  static httplib::Headers forwarded(httplib::Headers more, const std::string& scheme = "https",
                                    const std::string& host = "console.example") {
    more.emplace("X-Forwarded-Proto", scheme);
    more.emplace("X-Forwarded-Host", host);
    return more;
  }
};

TEST_F(SessionOverHttpsTest, has_a_cookie_that_no_other_host_can_set) {
  const auto signed_in = sign_in_with(secret_of(staff()), forwarded(of_own_page()));
  ASSERT_EQ(signed_in.status, 200) << signed_in.body;
  EXPECT_THAT(
      signed_in.header("Set-Cookie"),
      AllOf(StartsWith("__Host-codasync=coda_"), HasSubstr("; Secure"), HasSubstr("; HttpOnly"),
            HasSubstr("; SameSite=Strict"), HasSubstr("; Path=/"), Not(HasSubstr("Domain"))));
  const auto cookie = cookie_of(signed_in);
  EXPECT_EQ(get(kSession, forwarded({{"Cookie", cookie}})).status, 200);
  EXPECT_EQ(post(kReadings, sighting(),
                 forwarded({{"Cookie", cookie}, {"Origin", "https://console.example"}}))
                .status,
            201);
  EXPECT_EQ(post(kReadings, sighting(),
                 forwarded({{"Cookie", cookie}, {"Origin", "https://other.example"}}))
                .status,
            403);
  const auto secret = cookie.substr(cookie.find('=') + 1);
  EXPECT_EQ(get(kSession, forwarded({{"Cookie", "codasync=" + secret}})).status, 401)
      << "another host of the domain can set this name";
}

TEST_F(SessionOverHttpsTest, is_refused_where_the_cookie_would_pass_a_network_as_plain_text) {
  for (const std::string host : {"console.example", "192.168.1.7:8080", "127.0.0.1.evil.example",
                                 "localhost.evil.example", "evil.example:127"}) {
    EXPECT_EQ(sign_in_with(secret_of(staff()), forwarded(of_own_page(), "http", host)).status, 403)
        << host;
  }
  for (const std::string host : {"localhost", "127.0.0.1:8080", "[::1]:8080"}) {
    EXPECT_EQ(sign_in_with(secret_of(staff()), forwarded(of_own_page(), "http", host)).status, 200)
        << host;
  }
  const auto cookie = sign_in(staff());
  EXPECT_EQ(get(kSession, forwarded({{"Cookie", cookie}}, "http", "console.example")).status, 401);
}

TEST_F(SessionTest, of_a_client_that_is_no_proxy_is_not_https_because_it_says_so) {
  auto headers = of_own_page();
  headers.emplace("X-Forwarded-Proto", "https");
  headers.emplace("X-Forwarded-Host", "console.example");
  EXPECT_THAT(sign_in_with(secret_of(staff()), headers).header("Set-Cookie"),
              StartsWith("codasync="));
}

/// Reads need a token or a session.
class SessionOfPrivateReadsTest : public SessionTest {
 protected:
  SessionOfPrivateReadsTest() : SessionTest{{"CODASYNC_API_PUBLIC_READS=false"}} {}
};

TEST_F(SessionOfPrivateReadsTest, reads) {
  const auto cookie = sign_in(staff());
  EXPECT_EQ(get("/api/v1/shops").status, 401);
  EXPECT_EQ(get("/api/v1/shops", {{"Cookie", cookie}}).status, 200);
  EXPECT_EQ(get("/api/v1/shops", {{"Cookie", "codasync=x"}}).status, 401);
}

TEST_F(SessionOfPrivateReadsTest, ends_its_streams_when_it_ends) {
  const auto cookie = sign_in(staff());
  httplib::Client client{"127.0.0.1", port_of(0)};
  client.set_read_timeout(30s);
  bool ended_by_us = false;
  int pieces = 0;
  const auto result = client.Get("/api/v1/shops/" + shop() + "/stream", {{"Cookie", cookie}},
                                 [&](const char*, std::size_t) {
                                   if (++pieces == 1) {
                                     ended_by_us = del(kSession, with(cookie)).status == 204;
                                   }
                                   return true;
                                 });
  ASSERT_TRUE(result) << httplib::to_string(result.error());
  EXPECT_EQ(result->status, 200);
  EXPECT_TRUE(ended_by_us);
}

}  // namespace
}  // namespace codasync::test
