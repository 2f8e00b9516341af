#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

/// Bytes that a client may send, and the expected response.
struct Case {
  const char* name;
  std::string bytes;
  int status;
  bool kept;             // the connection, for a next request
  std::string expected;  // part of the body
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

const std::string kHost = "Host: h\r\n";
const std::string kGet = "GET / HTTP/1.1\r\n" + kHost;
const std::string kPut = "PUT / HTTP/1.1\r\n" + kHost;

const std::vector<Case> kCases{
    // Connections.
    {"kept_by_default", kGet + "\r\n", 200, true, "path=/\n"},
    {"close_is_honoured", kGet + "Connection: close\r\n\r\n", 200, false, ""},
    {"close_among_other_options", kGet + "Connection: Upgrade, Close\r\n\r\n", 200, false, ""},
    {"http10_is_closed", "GET / HTTP/1.0\r\n\r\n", 200, false, ""},
    {"http10_keep_alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, true, ""},
    {"http12_is_taken_as_11", "GET / HTTP/1.2\r\n" + kHost + "\r\n", 200, true, ""},

    // Request lines.
    {"empty_lines_before_it", "\r\n\r\n" + kGet + "\r\n", 200, true, ""},
    {"unknown_method", "PROPFIND / HTTP/1.1\r\n" + kHost + "\r\n", 501, false, "method"},
    {"lower_case_method", "get / HTTP/1.1\r\n" + kHost + "\r\n", 501, false, ""},
    {"trace_is_other", "TRACE / HTTP/1.1\r\n" + kHost + "\r\n", 200, true, "method=OTHER\n"},
    {"options_asterisk", "OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n", 200, true, "path=*\n"},
    {"absolute_form", "GET http://h:1/a?b HTTP/1.1\r\n" + kHost + "\r\n", 200, true,
     "path=/a\nquery=b\n"},
    {"absolute_form_without_path", "GET http://h?b HTTP/1.1\r\n" + kHost + "\r\n", 200, true,
     "path=/\nquery=b\n"},
    {"nothing_is_decoded_or_reordered",
     "GET /a%2Fb//c;v=1/?b=2&a=%31+x&b=3&&=&c?d HTTP/1.1\r\n" + kHost + "\r\n", 200, true,
     "path=/a%2Fb//c;v=1/\nquery=b=2&a=%31+x&b=3&&=&c?d\n"},
    {"bytes_beyond_ascii_in_the_path", "GET /\xC3\xA4 HTTP/1.1\r\n" + kHost + "\r\n", 200, true,
     "path=/\xC3\xA4\n"},
    {"http2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, false, ""},
    {"no_version", "GET /\r\n\r\n", 400, false, "version"},
    {"empty_version", "GET / \r\n\r\n", 400, false, "version"},
    {"two_blanks", "GET  / HTTP/1.1\r\n" + kHost + "\r\n", 400, false, ""},
    {"relative_target", "GET a HTTP/1.1\r\n" + kHost + "\r\n", 400, false, ""},
    {"control_character_in_the_target", "GET /\x01 HTTP/1.1\r\n" + kHost + "\r\n", 400, false, ""},
    {"line_feeds_only", "GET / HTTP/1.1\nHost: h\n\n", 400, false, "CR LF"},
    {"tls_hello", std::string{"\x16\x03\x01\x02\x00\x01", 6}, 400, false, ""},
    {"uri_of_10_kB", "GET /" + std::string(10'000, 'u') + " HTTP/1.1\r\n" + kHost + "\r\n", 200,
     true, "uuu"},
    {"uri_of_40_kB", "GET /" + std::string(40'000, 'u') + " HTTP/1.1\r\n" + kHost + "\r\n", 414,
     false, ""},

    // Headers.
    {"names_in_any_case", kGet + "IF-NONE-match: \"1\"\r\n\r\n", 200, true, "none=\"1\"\n"},
    {"blanks_around_values", kGet + "X-Request-Id: \t a b \t\r\n\r\n", 200, true, "id=a b\n"},
    {"empty_value", kGet + "Accept:\r\nContent-Type:\r\n\r\n", 200, true, "\ntype=\n"},
    {"empty_condition_and_key_are_not_absent_ones",
     kGet + "If-Match:\r\nIdempotency-Key: \t \r\n\r\n", 200, true, "match=\nnone=\nkey=\n"},
    {"absent_condition_and_key", kGet + "\r\n", 200, true, "match=absent\nnone=\nkey=absent\n"},
    {"a_look_up_of_the_reverse_proxy_that_missed", kGet + "x-cache-lookup: miss\r\n\r\n", 200, true,
     "missed=yes\nmalformed=no\n"},
    {"a_look_up_of_the_reverse_proxy_that_found_a_malformed_entry",
     kGet + "X-Cache-Lookup: malformed\r\n\r\n", 200, true, "missed=yes\nmalformed=yes\n"},
    {"a_look_up_of_the_reverse_proxy_with_another_result", kGet + "X-Cache-Lookup: hit\r\n\r\n",
     200, true, "missed=no\n"},
    {"no_look_up_of_the_reverse_proxy", kGet + "\r\n", 200, true, "missed=no\n"},
    {"unusual_values_of_headers",
     kGet + "Accept: text/html,\r\nContent-Type: multipart/x; boundary=\"a b\"\r\nCookie: abc\r\n"
            "Cache-Control: No-Such, x=\r\nDate: foo\r\nAuthorization: x\r\nUser-Agent:\r\n\r\n",
     200, true, "\ntype=multipart/x; boundary=\"a b\"\nauthorization=x\n"},
    {"the_page_of_a_browser", kGet + "Cookie: a=b; c=d\r\nSec-Fetch-Site: same-origin\r\n\r\n", 200,
     true, "cookie=a=b; c=d\nsite=same-origin\n"},
    {"two_cookie_headers", kGet + "Cookie: a=b\r\nCookie: c=d\r\n\r\n", 400, false, "twice"},
    {"forwarding_headers_of_a_client",
     kGet + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n\r\n", 200, true,
     "host=h\nhttps=no\n"},
    {"unusual_host", "GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n", 200, true, ""},
    {"header_of_8_kB", kGet + "Authorization: " + std::string(8'000, 'a') + "\r\n\r\n", 200, true,
     "aaa"},
    {"headers_of_40_kB", kGet + "Cookie: " + std::string(40'000, 'a') + "\r\n\r\n", 431, false, ""},
    {"no_host", "GET / HTTP/1.1\r\n\r\n", 400, false, "Host"},
    {"two_hosts", kGet + kHost + "\r\n", 400, false, "Host"},
    {"a_known_header_twice", kGet + "If-Match: \"1\"\r\nIf-Match: \"2\"\r\n\r\n", 400, false,
     "twice"},
    {"an_unknown_header_twice", kGet + "X: 1\r\nX: 2\r\n\r\n", 200, true, ""},
    {"folded_line", kGet + "X: 1\r\n 2\r\n\r\n", 400, false, ""},
    {"blank_before_the_colon", kGet + "X : 1\r\n\r\n", 400, false, ""},
    {"line_without_colon", kGet + "nonsense\r\n\r\n", 400, false, ""},
    {"control_character_in_a_value", kGet + "X: a\rb\r\n\r\n", 400, false, ""},
    {"unknown_expectation", kPut + "Expect: magic\r\n\r\n", 417, false, ""},

    // Bodies.
    {"sized_body", kPut + "Content-Length: 3\r\n\r\nabc", 200, true, "body=abc\n"},
    {"empty_body", kPut + "Content-Length: 0\r\n\r\n", 200, true, "body=\n"},
    {"get_with_body", kGet + "Content-Length: 3\r\n\r\nabc", 200, true, "body=abc\n"},
    {"chunked_body", kPut + "Transfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n",
     200, true, "body=abc\n"},
    {"bad_chunk_size", kPut + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, false, "chunked"},
    {"negative_chunk_size", kPut + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400, false, ""},
    {"chunk_longer_than_its_size", kPut + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
     400, false, ""},
    {"trailer_that_is_not_a_header",
     kPut + "Transfer-Encoding: chunked\r\n\r\n0\r\nGET / HTTP/1.1\r\n", 400, false, ""},
    {"both_framings", kPut + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400, false, ""},
    {"two_lengths", kPut + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400, false, ""},
    {"length_list", kPut + "Content-Length: 3, 3\r\n\r\nabc", 400, false, ""},
    {"length_is_not_a_number", kPut + "Content-Length: abc\r\n\r\n", 400, false, ""},
    {"negative_length", kPut + "Content-Length: -1\r\n\r\n", 400, false, ""},
    {"plus_length", kPut + "Content-Length: +3\r\n\r\nabc", 400, false, ""},
    {"huge_length", kPut + "Content-Length: 10000000000\r\n\r\n", 413, false, ""},
    {"length_beyond_64_bits", kPut + "Content-Length: 99999999999999999999\r\n\r\n", 400, false,
     ""},
    {"body_beyond_the_limit", kPut + "Content-Length: 200000\r\n\r\n" + std::string(200'000, 'x'),
     413, false, ""},
    {"other_encoding", kPut + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, false, ""},
    {"encoding_in_http10", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     false, ""},
};

class Corpus : public testing::TestWithParam<Case> {
 protected:
  static api::ServerOptions options() {
    auto options = Service::small();
    options.request_bytes_max = 100'000;
    return options;
  }

  Service service_{options()};
  Client client_{service_.address()};
};

TEST_P(Corpus, gets_the_expected_response) {
  const Case& c = GetParam();
  client_.send(c.bytes);
  const auto received = client_.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->status, c.status);
  EXPECT_NE(received->body.find(c.expected), std::string::npos) << received->body;
  EXPECT_EQ(received->header("Connection"), c.kept ? "keep-alive" : "close");
  if (c.status != 200) {
    EXPECT_EQ(received->header("Content-Type"), "application/problem+json");
    EXPECT_NE(received->body.find("\"status\":" + std::to_string(c.status)), std::string::npos);
  }
  if (c.kept) {
    client_.send_get("/now/next");
    const auto next = client_.receive();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->body, "next") << "the connection is out of step";
  } else {
    EXPECT_TRUE(client_.closed_by_server());
  }
}

INSTANTIATE_TEST_SUITE_P(Bytes, Corpus, testing::ValuesIn(kCases),
                         [](const auto& each) { return std::string{each.param.name}; });

class Connections : public testing::Test {
 protected:
  Service service_;
  Client client_{service_.address()};
};

TEST_F(Connections, respond_to_pipelined_requests_in_order) {
  client_.send(
      "GET /pool/1 HTTP/1.1\r\nHost: h\r\n\r\nGET /now/2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /pool/3 HTTP/1.1\r\nHost: h\r\n\r\nGET /now/4 HTTP/1.1\r\nHost: h\r\n\r\n");
  for (const char* expected : {"1", "2", "3", "4"}) {
    const auto received = client_.receive();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->body, expected);
  }
}

TEST_F(Connections, stay_in_step_when_the_last_line_of_a_chunked_body_is_late) {
  client_.send("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds{20});  // most likely a packet of its own
  client_.send("\r\nGET /now/next HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto received = client_.receive();
  ASSERT_TRUE(received);
  EXPECT_NE(received->body.find("body=ab\n"), std::string::npos);
  EXPECT_EQ(client_.receive()->body, "next");
}

TEST_F(Connections, send_100_to_a_client_that_expects_it) {
  client_.send("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client_.receive()->status, 100);
  client_.send("ok");
  EXPECT_NE(client_.receive()->body.find("body=ok\n"), std::string::npos);
}

TEST_F(Connections, respond_to_a_client_that_ended_its_sending_side) {
  for (const char* target : {"/now/x", "/pool/x"}) {
    Client client{service_.address()};
    client.send_get(target);
    client.half_close();
    const auto received = client.receive();
    ASSERT_TRUE(received) << target;
    EXPECT_EQ(received->body, "x");
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST_F(Connections, give_head_the_length_and_no_body) {
  client_.send("HEAD /now/four HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto received = client_.receive(true);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->header("Content-Length"), "4");
  client_.send_get("/now/next");
  EXPECT_EQ(client_.receive()->body, "next");
}

TEST_F(Connections, keep_204_and_304_in_step) {
  for (const char* target : {"/status/204", "/status/304"}) {
    client_.send_get(target);
    const auto received = client_.receive();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->header("Content-Length"), std::nullopt);
    EXPECT_EQ(received->header("X-Test"), "yes");
  }
  client_.send_get("/now/next");
  EXPECT_EQ(client_.receive()->body, "next");
}

}  // namespace
}  // namespace codasync::test
