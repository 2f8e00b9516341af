#include "tests/service/service.hpp"
#include "tests/transport/client.hpp"

// Which requests with the same Idempotency-Key are the same request.

namespace codasync::test {
namespace {

class SameRequest : public ServiceTest {
 protected:
  SameRequest() { edge_port_ = start_edge().port(); }

  HttpResponse keyed(const std::string& key, const std::string& method, const std::string& path,
                     const std::string& body) {
    auto headers = admin();
    headers.emplace("Idempotency-Key", key);
    return send(method, path, body, headers);
  }

  /// Returns: the response to a request with these header lines.
  Received raw(int port, const std::string& lines, const std::string& path,
               const std::string& body) {
    Client client{"127.0.0.1:" + std::to_string(port)};
    client.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: " +
                admin().begin()->second + "\r\nContent-Type: application/json\r\n" + lines +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    const auto received = client.receive();
    EXPECT_TRUE(received) << lines;
    return received.value_or(Received{});
  }

  /// Of Nginx and of the service.
  [[nodiscard]] std::vector<int> ports() const { return {edge_port_, port_of(0)}; }

  int edge_port_{0};
};

TEST_F(SameRequest, has_equal_json_in_any_spelling) {
  put("/api/v1/products/4006381333931", R"({"name":"Tea"})", admin());
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  patch(reading, R"({"quantity":100})", admin());
  struct Case {
    const char* method;
    std::string path;
    std::string body;
    std::vector<std::string> same;
    std::vector<std::string> other;
  };
  const std::vector<Case> cases{
      {"POST",
       reading + "/adjust",
       R"({"delta":-1,"reason":"sold é"})",
       {R"({"reason":"sold é","delta":-1})", "{ \"delta\" : -1 ,\n\t\"reason\" : \"sold é\" }",
        R"({"delta":-1.0,"reason":"sold é"})", R"({"delta":-10e-1,"\u0072eason":"sold \u00e9"})"},
       {R"({"delta":-2,"reason":"sold é"})", R"({"delta":-1})", R"({"delta":-1,"reason":"sold"})",
        R"({"delta":"-1","reason":"sold é"})"}},
      {"POST",
       "/api/v1/stock-readings",
       R"({"shop":)" + shop() + R"(,"GTIN":"4006381333931","quantity":7})",
       {R"({"quantity":7,"GTIN":"4006381333931","shop":)" + shop() + "}"},
       {R"({"shop":)" + shop() + R"(,"GTIN":"4006381333931","quantity":8})"}},
      {"PATCH",
       reading,
       R"({"expiry_date":"2026-12-01","date_kind":"use_by"})",
       {R"({"date_kind":"use_by", "expiry_date":"2026-12-01"})"},
       {R"({"expiry_date":"2026-12-01"})"}},
      {"POST",
       "/api/v1/shops",
       R"({"name":"South","time_zone":"UTC"})",
       {R"({"time_zone":"UTC","name":"South"})"},
       {R"({"name":"South"})", R"({"name":"West","time_zone":"UTC"})"}},
      {"PUT",
       "/api/v1/products/96385074",
       R"({"name":"Salt","brand":null})",
       {R"({"brand":null,"name":"Salt"})"},
       {R"({"name":"Salt"})", R"({"name":"Salt","brand":"Sel"})"}},
      {"PATCH",
       "/api/v1/products/4006381333931",
       R"({"name":"Mate","brand":"Leaf"})",
       {R"({"brand":"Leaf","name":"Mate"})"},
       {R"({"brand":"Leaf"})"}},
      {"POST",
       "/api/v1/tokens",
       R"({"name":"till","role":"staff","shops":[1]})",
       {R"({"shops":[1.0],"role":"staff","name":"till"})"},
       {R"({"name":"till","role":"staff"})"}},
  };
  int number = 0;
  for (const auto& [method, path, body, same, other] : cases) {
    const auto key = "k" + std::to_string(++number);
    const auto first = keyed(key, method, path, body);
    ASSERT_LT(first.status, 300) << path << first.body;
    EXPECT_TRUE(first.header("Idempotency-Replayed").empty());
    const auto events = database().run("select count(*) from stock_events");
    for (const auto& text : same) {
      const auto again = keyed(key, method, path, text);
      EXPECT_EQ(again.status, first.status) << path << text << again.body;
      EXPECT_EQ(again.header("Idempotency-Replayed"), "true") << path << text;
      EXPECT_EQ(again.number("version"), first.number("version")) << path << text;
    }
    for (const auto& text : other) {
      const auto refused = keyed(key, method, path, text);
      EXPECT_EQ(refused.status, 422) << path << text << refused.body;
      EXPECT_EQ(refused.text("type"), "urn:codasync:problem:key-reused");
    }
    EXPECT_EQ(database().run("select count(*) from stock_events"), events) << path;
  }
}

TEST_F(SameRequest, has_an_equal_address_in_any_spelling) {
  ASSERT_EQ(keyed("p", "PUT", "/api/v1/products/4006381333931", R"({"name":"Tea"})").status, 201);
  for (const auto* path : {"/api/v1/products/4006381333931/", "/api/v1/products/04006381333931",
                           "/api/v1/%70roducts/400638133393%31", "/api/v1/products/4006381333931?",
                           "/api/v1/products/4006381333931/?&"}) {
    const auto again = keyed("p", "PUT", path, R"({"name":"Tea"})");
    EXPECT_EQ(again.header("Idempotency-Replayed"), "true") << path << again.body;
  }
  for (const auto* path : {"/api/v1/products/96385074", "/api/v1/shops/1"})
    EXPECT_EQ(keyed("p", "PUT", path, R"({"name":"Tea"})").status, 422) << path;
  EXPECT_EQ(keyed("p", "PATCH", "/api/v1/products/4006381333931", R"({"name":"Tea"})").status, 422)
      << "another method";

  const auto south = post("/api/v1/shops", R"({"name":"South"})", admin()).row().at("id");
  const auto path = "/api/v1/shops/" + south;
  ASSERT_EQ(keyed("d", "DELETE", path + "?cascade=true", "").status, 204);
  for (const auto* query : {"?cascade=true", "?&cascade=true&", "?%63ascade=tr%75e"})
    EXPECT_EQ(keyed("d", "DELETE", path + query, "").header("Idempotency-Replayed"), "true")
        << query;
  EXPECT_EQ(keyed("d", "DELETE", path, "").status, 422);
  EXPECT_EQ(keyed("d", "DELETE", path + "?cascade=false", "").status, 422);
}

TEST_F(SameRequest, has_the_same_key_in_any_spelling_of_the_header) {
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  patch(reading, R"({"quantity":100})", admin());
  const auto adjusted = [&](int port, const std::string& lines) {
    return raw(port, lines, reading + "/adjust", R"({"delta":-1})");
  };
  for (const auto& line : {"Idempotency-Key: one", "idempotency-key:one",
                           "IDEMPOTENCY-KEY:   one  ", "Idempotency-Key: \t one \t"}) {
    for (const auto port : ports())
      EXPECT_EQ(adjusted(port, std::string{line} + "\r\n").status, 200) << line;
  }
  EXPECT_EQ(get(reading).number("quantity"), 99) << "applied once";
}

TEST_F(SameRequest, is_refused_with_an_empty_or_repeated_key) {
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  patch(reading, R"({"quantity":100})", admin());
  for (const auto port : ports()) {
    for (const std::string lines :
         {"Idempotency-Key:\r\n", "Idempotency-Key: \r\n", "Idempotency-Key: \t \r\n",
          "Idempotency-Key: a\r\nIdempotency-Key: a\r\n",
          "Idempotency-Key: a\r\nidempotency-key: b\r\n",
          "Idempotency-Key:\r\nIdempotency-Key: a\r\n",
          "Idempotency-Key: a\r\nIdempotency-Key:\r\n", "Idempotency-Key: a b\r\n",
          "Idempotency-Key: a, b\r\n", "Idempotency-Key: caf\xC3\xA9\r\n", "If-Match:\r\n",
          "If-Match: \r\n"}) {
      for (const auto& [path, body] :
           {std::pair<std::string, std::string>{reading + "/adjust", R"({"delta":-1})"},
            std::pair<std::string, std::string>{"/api/v1/shops", R"({"name":"South"})"},
            std::pair<std::string, std::string>{"/api/v1/tokens", R"({"name":"t","role":"staff"})"},
            std::pair<std::string, std::string>{"/api/v1/stock-readings/batch",
                                                R"({"items":[]})"}}) {
        const auto response = raw(port, lines, path, body);
        EXPECT_EQ(response.status, 400) << port << " " << lines << path << response.body;
      }
    }
  }
  EXPECT_EQ(get(reading).number("quantity"), 100);
  EXPECT_EQ(database().run("select count(*) from shops"), "1");
  EXPECT_EQ(database().run("select count(*) from tokens"), "2");
}

}  // namespace
}  // namespace codasync::test
