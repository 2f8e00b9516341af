#include <string>
#include <vector>

#include "tests/service/service.hpp"
#include "tests/transport/client.hpp"

// Attacks: request smuggling, responses of other clients, access to internal addresses. Against
// Nginx in front of the service, and against the service itself.

namespace codasync::test {
namespace {

struct Shape {
  const char* what;
  std::string bytes;
};

const std::string kHost = "Host: h\r\n";
/// Deletes the shop if a server takes it for a request; inner() adds the token.
const std::string kInner = "DELETE /api/v1/shops/1?cascade=true HTTP/1.1\r\n" + kHost;

class Edge : public ServiceTest {
 protected:
  Edge() { edge_port_ = start_edge().port(); }

  /// Of Nginx and of the service.
  [[nodiscard]] std::vector<int> ports() const { return {edge_port_, port_of(0)}; }

  [[nodiscard]] std::string inner() const {
    return kInner + "Authorization: " + admin().begin()->second + "\r\n\r\n";
  }

  /// Requests with an end that two parsers may find at different places. They contain inner().
  [[nodiscard]] std::vector<Shape> shapes() const {
    const auto hidden = inner();
    const auto post = "POST /api/v1/shops HTTP/1.1\r\n" + kHost;
    const auto size = std::to_string(hidden.size());
    const auto chunk = [](const std::string& text) {
      char digits[16];
      std::snprintf(digits, sizeof digits, "%zx", text.size());
      return std::string{digits} + "\r\n" + text + "\r\n0\r\n\r\n";
    };
    return {
        {"length and chunks",
         post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(hidden)},
        {"chunks and length", post + "Transfer-Encoding: chunked\r\nContent-Length: " + size +
                                  "\r\n\r\n0\r\n\r\n" + hidden},
        {"two lengths",
         post + "Content-Length: 0\r\nContent-Length: " + size + "\r\n\r\n" + hidden},
        {"the same length twice",
         post + "Content-Length: " + size + "\r\nContent-Length: " + size + "\r\n\r\n" + hidden},
        {"a list of lengths", post + "Content-Length: 0, " + size + "\r\n\r\n" + hidden},
        {"a length with a sign", post + "Content-Length: +" + size + "\r\n\r\n" + hidden},
        {"a hexadecimal length", post + "Content-Length: 0x10\r\n\r\n" + hidden},
        {"a length beyond 64 bits", post + "Content-Length: 18446744073709551616\r\n\r\n" + hidden},
        {"a blank before the colon", post + "Content-Length : " + size + "\r\n\r\n" + hidden},
        {"a folded line", post + "X: 1\r\n Content-Length: " + size + "\r\n\r\n" + hidden},
        {"an underscore in the name", post + "Content_Length: " + size + "\r\n\r\n"},
        {"chunked misspelt", post + "Transfer-Encoding: xchunked\r\n\r\n" + chunk(hidden)},
        {"chunked with a tab", post + "Transfer-Encoding:\tchunked\r\n\r\n" + chunk(hidden)},
        {"chunked twice", post +
                              "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" +
                              chunk(hidden)},
        {"chunked among others",
         post + "Transfer-Encoding: identity, chunked\r\n\r\n" + chunk(hidden)},
        {"chunked in HTTP/1.0", "POST /api/v1/shops HTTP/1.0\r\n" + kHost +
                                    "Transfer-Encoding: chunked\r\n\r\n" + chunk(hidden)},
        {"a chunk size with 0x", post + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + hidden},
        {"a chunk size beyond 64 bits",
         post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + hidden},
        {"a chunk size with a sign", post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n" + hidden},
        {"a chunk extension", post + "Transfer-Encoding: chunked\r\n\r\n0;a=b\r\n\r\n"},
        {"a trailer",
         post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: " + size + "\r\n\r\n"},
        {"line feeds alone",
         "POST /api/v1/shops HTTP/1.1\nHost: h\nContent-Length: " + size + "\n\n" + hidden},
        {"a carriage return alone", post + "X: 1\rContent-Length: " + size + "\r\n\r\n"},
        {"a null byte in a header", post + std::string("X: \0\r\n\r\n", 8)},
        {"a read with a body",
         "GET /healthz HTTP/1.1\r\n" + kHost + "Content-Length: " + size + "\r\n\r\n" + hidden},
        {"a head with a body",
         "HEAD /healthz HTTP/1.1\r\n" + kHost + "Content-Length: " + size + "\r\n\r\n" + hidden},
        {"two hosts", "GET /healthz HTTP/1.1\r\n" + kHost + "Host: other\r\n\r\n"},
        {"a request line of three blanks", "GET /healthz HTTP/1.1 HTTP/1.1\r\n" + kHost + "\r\n"},
        {"HTTP/0.9", "GET /healthz\r\n\r\n"},
        {"HTTP/2 in the clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {"an upgrade to another protocol", "GET /healthz HTTP/1.1\r\n" + kHost +
                                               "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: "
                                               "h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"},
        {"a tunnel", "CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + kHost + "\r\n"},
        {"bytes of TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)},
    };
  }

  int edge_port_{0};
};

TEST_F(Edge, does_not_treat_one_request_as_two) {
  ASSERT_EQ(shop(), "1");
  for (const int port : ports()) {
    for (const auto& shape : shapes()) {
      Client client{"127.0.0.1:" + std::to_string(port)};
      client.send(shape.bytes);
      client.half_close();
      while (const auto received = client.receive(shape.bytes.starts_with("HEAD"))) {
        EXPECT_NE(received->status, 500) << shape.what << received->body;
        EXPECT_NE(received->status, 502) << shape.what << received->body;
      }
      ASSERT_EQ(database().run("select count(*) from shops where removed_at is null"), "1")
          << shape.what << " at port " << port << " removed the shop";
    }
  }
}

TEST_F(Edge, sends_each_client_its_own_response_after_malformed_requests) {
  const auto other = post("/api/v1/shops", R"({"name":"South"})", admin()).number("id");
  for (const auto& shape : shapes()) {
    Client client{"127.0.0.1:" + std::to_string(edge_port_)};
    client.send(shape.bytes);
    client.half_close();
    client.receive(shape.bytes.starts_with("HEAD"));
    // With a query, to pass the cache: it uses the connections that Nginx keeps open.
    Connection own{edge_port_};
    for (const auto id : {std::int64_t{1}, other, std::int64_t{1}}) {
      const auto seen = own.send("GET", "/api/v1/shops/" + std::to_string(id) + "?", "", {});
      ASSERT_EQ(seen.status, 200) << shape.what;
      ASSERT_EQ(seen.number("id"), id) << shape.what;
    }
  }
}

TEST_F(Edge, does_not_serve_metrics_under_any_spelling) {
  const std::vector<std::string> names{"/metrics",
                                       "/metrics/",
                                       "//metrics",
                                       "/%6Detrics",
                                       "/x/../metrics",
                                       "/./metrics",
                                       "/api/v1/../../metrics",
                                       "/%2e%2e/metrics",
                                       "/api%2F..%2Fmetrics",
                                       "/%2Fmetrics",
                                       "/metrics?x",
                                       "/metrics#x",
                                       "/metrics;x",
                                       "/%256Detrics",
                                       "/METRICS",
                                       "/metrics%20",
                                       "/metrics%00",
                                       "http://h/metrics",
                                       "http://h//metrics",
                                       "/healthz/../metrics",
                                       "\\metrics",
                                       "/x/..;/metrics"};
  for (const auto& name : names) {
    Client client{"127.0.0.1:" + std::to_string(edge_port_)};
    client.send("GET " + name + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const auto received = client.receive();
    ASSERT_TRUE(received) << name;
    EXPECT_GE(received->status, 400) << name;
    EXPECT_EQ(received->body.find("codasync_http_requests_total"), std::string::npos) << name;
  }
  EXPECT_NE(get("/metrics").body.find("codasync_http_requests_total"), std::string::npos)
      << "Prometheus scrapes the instance directly";
}

TEST_F(Edge, sends_its_own_problems_in_the_form_of_the_service) {
  Connection own{edge_port_};
  struct Case {
    const char* method;
    std::string path;
    std::string body;
    int status;
  };
  const std::vector<Case> cases{
      {"POST", "/api/v1/stock-readings", "{", 400},
      {"GET", "/api/v1/shops/999999", "", 404},
      {"GET", "/metrics", "", 404},
      {"DELETE", "/api/v1/shops", "", 405},
      {"POST", "/api/v1/stock-readings", std::string(1'000'001, ' '), 413},
      {"GET", "/api/v1/" + std::string(8000, 'x'), "", 414},
  };
  for (const auto& refused : cases) {
    const auto seen = own.send(refused.method, refused.path, refused.body, admin());
    EXPECT_EQ(seen.status, refused.status) << refused.path.substr(0, 100);
    EXPECT_EQ(seen.header("Content-Type"), "application/problem+json");
    EXPECT_EQ(seen.number("status"), refused.status);
    EXPECT_EQ(seen.text("instance"), seen.header("X-Request-Id"));
  }
}

TEST_F(Edge, serves_cached_responses_while_the_service_or_its_database_is_down) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  Connection own{edge_port_};
  const auto edge = [&](const std::string& method, const std::string& at) {
    return own.send(method, at, method == "GET" ? "" : R"({"quantity":1})", staff());
  };
  edge("GET", path);
  const auto cached = edge("GET", path);
  ASSERT_EQ(cached.status, 200);

  postgres_gate().set(TcpGate::Mode::refuse);
  EXPECT_EQ(edge("GET", path).body, cached.body);
  for (const auto& refused : {edge("PATCH", path), edge("GET", "/api/v1/products")}) {
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_FALSE(refused.header("Retry-After").empty()) << refused.body;
  }
  postgres_gate().set(TcpGate::Mode::pass);
  EXPECT_TRUE(eventually([&] { return edge("PATCH", path).status == 200; }));
  edge("GET", path);
  const auto changed = edge("GET", path);
  EXPECT_EQ(changed.number("quantity"), 1);

  service().kill();
  EXPECT_TRUE(eventually([&] { return edge("GET", path).body == changed.body; }));
  for (const auto* method : {"GET", "PATCH"}) {
    const auto refused = edge(method, "/api/v1/stock-readings/999");
    EXPECT_EQ(refused.status, 503) << method << refused.body;
    EXPECT_FALSE(refused.header("Retry-After").empty()) << method;
    EXPECT_EQ(refused.header("Content-Type"), "application/problem+json");
  }
}

}  // namespace
}  // namespace codasync::test
