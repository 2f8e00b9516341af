#include "api/body.hpp"
#include "api/parameters.hpp"
#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

class Refusals : public ServiceTest {
 protected:
  /// Returns: a hash of all rows that a client could have changed.
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
      {"two bodies", "POST", readings, recorded(R"("quantity":1)") + "{}", 400},
      {"a byte order mark", "POST", readings, "\xEF\xBB\xBF{}", 400},
      {"100,000 brackets", "POST", readings, R"({"shop":)" + std::string(100'000, '['), 400},
      {"17 levels", "POST", readings,
       recorded(R"("name":)" + std::string(17, '[') + std::string(17, ']')), 400},
      {"a number beyond all numbers", "POST", readings, recorded(R"("quantity":1e400)"), 400},
      {"a number of 10,000 digits", "POST", readings,
       recorded(R"("quantity":)" + std::string(10'000, '9')), 400},
      {"a minus without digits", "POST", readings, recorded(R"("quantity":-)"), 400},
      {"NaN", "POST", readings, recorded(R"("quantity":NaN)"), 400},
      {"a lone high surrogate", "POST", readings, recorded(R"("name":"a\ud800")"), 400},
      {"a lone low surrogate", "POST", readings, recorded(R"("name":"a\udc00b")"), 400},
      {"a lone surrogate as a field", "POST", readings, recorded(R"("\udc00":1)"), 400},
      {"overlong UTF-8", "POST", readings, recorded("\"name\":\"\xC0\xAF\""), 400},
      {"a null where null is not allowed", "POST", readings, R"({"shop":null,"GTIN":null})", 400},
      {"a shop that is a text", "POST", readings, R"({"shop":"one","GTIN":"4006381333931"})", 400},
      {"a shop that is a list", "POST", readings, R"({"shop":[1],"GTIN":"4006381333931"})", 400},
      {"shop 0", "POST", readings, R"({"shop":0,"GTIN":"4006381333931"})", 400},
      {"a field in another case", "POST", readings, R"({"shop":1,"gtin":"4006381333931"})", 400},
      {"a special field of JavaScript", "POST", readings, recorded(R"("__proto__":{})"), 400},
      {"invalid UTF-8", "POST", readings, "{\"shop\":1,\"GTIN\":\"\xff\"}", 400},
      {"a wrong type", "POST", readings, recorded(R"("quantity":"three")"), 400},
      {"a fraction", "POST", readings, recorded(R"("quantity":1.5)"), 400},
      {"a quantity below zero", "POST", readings, recorded(R"("quantity":-1)"), 400},
      {"a quantity beyond 31 bits", "POST", readings, recorded(R"("quantity":2147483648)"), 400},
      {"an unknown field", "POST", readings, recorded(R"("expires":"2026-12-24")"), 400},
      {"a field twice", "POST", readings, recorded(R"("quantity":1,"quantity":2)"), 400},
      {"an impossible date", "POST", readings, recorded(R"("expiry_date":"2026-02-29")"), 400},
      {"the day zero", "POST", readings, recorded(R"("expiry_date":"0000-00-00")"), 400},
      {"a year of five digits", "POST", readings, recorded(R"("expiry_date":"12026-12-24")"), 400},
      {"a date that is a number", "POST", readings, recorded(R"("expiry_date":20261224)"), 400},
      {"a year of two digits", "POST", readings, recorded(R"("expiry_date":"0026-12-24")"), 400},
      {"the day before 2000", "POST", readings, recorded(R"("expiry_date":"1999-12-31")"), 400},
      {"a date too far in the future", "POST", readings, recorded(R"("expiry_date":"9999-12-31")"),
       400},
      {"a GTIN of zeros", "POST", readings, R"({"shop":1,"GTIN":"0000000000000"})", 400},
      {"a zero-width name", "POST", "/api/v1/shops", R"({"name":"\u200b"})", 400},
      {"a combining mark as a name", "POST", "/api/v1/shops", R"({"name":"\u0301"})", 400},
      {"a name that reorders text", "POST", "/api/v1/shops", R"({"name":"a\u202eb"})", 400},
      {"a date with a blank", "POST", readings, recorded(R"("expiry_date":" 2026-12-24")"), 400},
      {"a time without its offset", "POST", readings,
       recorded(R"("observed_at":"2026-11-24T09:30:00")"), 400},
      {"the 25th hour", "POST", readings, recorded(R"("observed_at":"2026-11-24T25:00:00Z")"), 400},
      {"a date that is a time", "POST", readings,
       recorded(R"("expiry_date":"2026-12-24T00:00:00Z")"), 400},
      {"an unknown kind", "POST", readings, recorded(R"("kind":"guess")"), 400},
      {"an adjustment as a kind", "POST", readings, recorded(R"("kind":"adjust")"), 400},
      {"a wrong check digit", "POST", readings, R"({"shop":1,"GTIN":"4006381333930"})", 400},
      {"a GTIN of 11 digits", "POST", readings, R"({"shop":1,"GTIN":"36000291452"})", 400},
      {"a GTIN that is negative", "POST", readings, R"({"shop":1,"GTIN":-4006381333931})", 400},
      {"a GTIN in Arabic digits", "POST", readings,
       R"({"shop":1,"GTIN":"\u0664\u0660\u0660\u0666\u0663\u0668\u0661\u0663\u0663\u0663\u0669\u0663\u0661"})",
       400},
      {"scientific notation", "POST", readings, R"({"shop":1,"GTIN":"4.00638E+12"})", 400},
      {"control characters in a name", "POST", readings,
       R"({"shop":1,"GTIN":"96385074","name":"a\u0000b"})", 400},
      {"an escape sequence in a name", "POST", readings,
       R"({"shop":1,"GTIN":"96385074","name":"\u001b[31m"})", 400},
      {"a C1 control in a name", "POST", readings,
       R"({"shop":1,"GTIN":"96385074","name":"a\u0085b"})", 400},
      {"a line end in a name", "POST", "/api/v1/shops", R"({"name":"a\r\nX: y"})", 400},
      {"an empty name", "POST", "/api/v1/shops", R"({"name":"  "})", 400},
      {"a name of 256 characters", "POST", "/api/v1/shops",
       R"({"name":")" + std::string(256, 'x') + "\"}", 400},
      {"an unknown time zone", "POST", "/api/v1/shops",
       R"({"name":"Mars","time_zone":"Mars/Olympus"})", 400},
      {"an unknown shop", "POST", readings, R"({"shop":999999,"GTIN":"4006381333931"})", 422},
      {"a shop beyond 64 bits", "POST", readings,
       R"({"shop":9223372036854775808,"GTIN":"4006381333931"})", 400},
      {"an unknown product without a name", "POST", readings,
       R"({"shop":)" + shop() + R"(,"GTIN":"96385074"})", 422},
      {"another shop", "PATCH", reading, R"({"shop":999999})", 422},
      {"another product", "PATCH", reading, R"({"GTIN":"96385074"})", 422},
      {"an id that is not a number", "PATCH", readings + "/abc", "{}", 404},
      {"an id beyond 64 bits", "PATCH", readings + "/9223372036854775808", "{}", 404},
      {"an unknown reading", "PATCH", readings + "/999999", "{}", 404},
      {"an adjustment of what was never counted", "POST", reading + "/adjust", R"({"delta":-1})",
       409},
      {"an adjustment without a delta", "POST", reading + "/adjust", "{}", 400},
      {"a method that is not allowed", "POST", reading, "{}", 405},
      {"an unknown address", "GET", "/api/v2/shops", "", 404},
      {"a broken escape", "GET", "/api/v1/stock-readings?shop=%zz", "", 400},
      {"an id of blanks", "PATCH", readings + "/%20", "{}", 404},
      {"an id with a sign", "PATCH", readings + "/+1", "{}", 404},
      {"an id in hexadecimal", "PATCH", readings + "/0x1", "{}", 404},
      {"an id with a null byte", "PATCH", reading + "%00", "{}", 404},
      {"an id with SQL", "PATCH", readings + "/1;drop%20table%20shops", "{}", 404},
      {"an event that is not a UUID", "DELETE", reading + "/history/1", "", 404},
      {"an escaped slash", "GET", "/api/v1%2Fstock-readings", "", 404},
      {"a doubled slash", "GET", "/api/v1//stock-readings", "", 404},
      {"two slashes at the end", "GET", "/api/v1/stock-readings//", "", 404},
      {"a path with ..", "GET", "/api/v1/x/../stock-readings", "", 404},
      {"a path with an escaped ..", "GET", "/api/v1/x/%2e%2e/stock-readings", "", 404},
      {"a path in another case", "GET", "/API/v1/stock-readings", "", 404},
      {"metrics with an escaped slash", "GET", "/%2Fmetrics", "", 404},
      {"an unknown parameter", "GET", "/api/v1/stock-readings?colour=red", "", 400},
      {"a limit that is too large", "GET", "/api/v1/stock-readings?limit=100000", "", 400},
      {"a parameter twice", "GET", "/api/v1/stock-readings?shop=1&shop=1", "", 400},
      {"a parameter without a value", "GET", "/api/v1/stock-readings?shop", "", 400},
      {"a parameter without a name", "GET", "/api/v1/stock-readings?=1", "", 400},
      {"an unknown parameter of arbitrary bytes", "GET", "/api/v1/stock-readings?%FF%00%0D%0A=1",
       "", 400},
      {"a null byte in a parameter", "GET", "/api/v1/stock-readings?category=a%00b", "", 400},
      {"invalid UTF-8 in a parameter", "GET", "/api/v1/products?search=%C3%28", "", 400},
      {"a search of 11 words", "GET",
       "/api/v1/products?search=a%20b%20c%20d%20e%20f%20g%20h%20i%20j%20k", "", 400},
      {"an unknown ordering", "GET", "/api/v1/stock-readings?ordering=name,id", "", 400},
      {"a forged cursor", "GET", "/api/v1/stock-readings?cursor=1AAAA", "", 400},
      {"a cursor of another list", "GET",
       "/api/v1/stock-readings?cursor=" + api::make_cursor("4006381333931"), "", 400},
      {"a cursor of another order", "GET",
       "/api/v1/stock-readings?ordering=name&cursor=" + api::make_cursor("id|7"), "", 400},
      {"a cursor with an invalid name", "GET",
       "/api/v1/stock-readings?ordering=name&cursor=" + api::make_cursor("name|7|\xFF"), "", 400},
      {"a cursor with a null byte", "GET",
       "/api/v1/stock-readings?ordering=name&cursor=" +
           api::make_cursor(std::string("name|7|a\0b", 10)),
       "", 400},
      {"a cursor with an invalid time", "GET",
       "/api/v1/stock-readings?ordering=-updated_at&cursor=" +
           api::make_cursor("-updated_at|7|2026-11-24T09:30:00." + std::string(200, '1') + "Z"),
       "", 400},
      {"a cursor with an invalid date", "GET",
       "/api/v1/stock-readings?ordering=expiry_date&cursor=" +
           api::make_cursor("expiry_date|7|infinity"),
       "", 400},
      {"a cursor of shops with a sign", "GET", "/api/v1/shops?cursor=" + api::make_cursor("-1"), "",
       400},
      {"a cursor of products without one", "GET", "/api/v1/products?cursor=", "", 400},
      {"a GTIN in a path with a typing error", "GET", "/api/v1/products/4006381333930", "", 400},
      {"an unknown product", "GET", "/api/v1/products/96385074", "", 404},
      {"a name of a product by staff", "PATCH", reading, R"({"name":"Something else"})", 403},
  };
  const auto before = fingerprint_of_rows();
  for (const auto& refused : cases) {
    const auto token = refused.path == "/api/v1/shops" ? admin() : staff();
    const auto response = send(refused.method, refused.path, refused.body, token);
    EXPECT_EQ(response.status, refused.status) << refused.what << ": " << response.body;
    EXPECT_EQ(response.header("Content-Type"), "application/problem+json") << refused.what;
    EXPECT_EQ(response.number("status"), refused.status) << refused.what;
    EXPECT_EQ(response.text("instance"), response.header("X-Request-Id")) << refused.what;
    EXPECT_FALSE(response.text("detail").empty()) << refused.what;
    EXPECT_LT(response.body.size(), 10'000U) << refused.what;
    EXPECT_TRUE(api::Body::parse(response.body)) << refused.what << ": not JSON: " << response.body;
  }
  EXPECT_EQ(fingerprint_of_rows(), before);
  EXPECT_EQ(service_log().find("unhandled error in a request"), std::string::npos);
}

TEST_F(Refusals, of_a_method_list_the_allowed_ones) {
  EXPECT_EQ(send("DELETE", "/api/v1/shops", "", admin()).header("Allow"),
            "GET, HEAD, POST, OPTIONS");
}

TEST_F(Refusals, of_other_content_types_and_large_bodies) {
  const auto status_as = [&](const std::string& type) {
    auto headers = staff();
    headers.emplace("Content-Type", type);
    return send("POST", "/api/v1/stock-readings", "{}", headers).status;
  };
  for (const auto* type :
       {"text/plain", "application/x-www-form-urlencoded", "application/jsonx",
        "multipart/form-data; boundary=x", "text/json", "application/json, text/plain"})
    EXPECT_EQ(status_as(type), 415) << type;
  for (const auto* type :
       {"application/json", "Application/JSON; charset=utf-8", "application/json ;a=b"})
    EXPECT_EQ(status_as(type), 400) << type << ": it was parsed, and fields are missing";
  EXPECT_EQ(send("POST", "/api/v1/stock-readings", "", staff()).status, 415)
      << "no body and no Content-Type";
  EXPECT_EQ(post("/api/v1/stock-readings", std::string(1'050'000, ' '), staff()).status, 413);
}

TEST_F(Refusals, of_compressed_bodies) {
  Connection direct{*this};
  Connection edge{start_edge().port()};
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto headers_of = [&](const std::string& encoding) {
    auto headers = staff();
    headers.insert({{"Content-Type", "application/json"}, {"Content-Encoding", encoding}});
    return headers;
  };
  for (auto* way : {&direct, &edge}) {
    for (const auto* encoding : {"gzip", "br", "deflate", "identity, gzip"}) {
      const auto refused = way->send("PATCH", path, "\x1f\x8b\x08", headers_of(encoding));
      EXPECT_EQ(refused.status, 415) << encoding << refused.body;
      EXPECT_THAT(refused.body, testing::HasSubstr("without Content-Encoding")) << encoding;
    }
    EXPECT_EQ(way->send("PATCH", path, R"({"quantity":1})", headers_of("identity")).status, 200);
  }
}

TEST_F(Refusals, of_malformed_headers) {
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto status_with = [&](const std::string& name, const std::string& value) {
    auto headers = staff();
    headers.emplace(name, value);
    return patch(reading, R"({"quantity":1})", headers).status;
  };
  const auto before = fingerprint_of_rows();
  EXPECT_EQ(status_with("If-Match", "1-1"), 400) << "a tag without its quotes";
  EXPECT_EQ(status_with("If-Match", ""), 400);
  EXPECT_EQ(status_with("If-Match", "\"1"), 400);
  EXPECT_EQ(status_with("If-Match", "*, \"1\""), 400);
  EXPECT_EQ(status_with("If-Match", "\"99999999999999999999-1\""), 412);
  EXPECT_EQ(status_with("If-Match", "\"nonsense\""), 412);
  EXPECT_EQ(status_with("Idempotency-Key", "a b"), 400);
  EXPECT_EQ(status_with("Idempotency-Key", "caf\xC3\xA9"), 400);
  EXPECT_EQ(status_with("Idempotency-Key", std::string(256, 'k')), 400);
  EXPECT_EQ(fingerprint_of_rows(), before);
  EXPECT_EQ(status_with("Idempotency-Key", std::string(255, 'k')), 200);
  EXPECT_EQ(status_with("X-Request-Id", "\xFF"), 200);
  EXPECT_EQ(status_with("traceparent", "nonsense"), 200);
  EXPECT_EQ(get(reading, {{"If-None-Match", "nonsense"}}).status, 200);
  EXPECT_EQ(get(reading, {{"Accept", "text/html;q=nonsense"}}).status, 200)
      << "there is only JSON; the response has its Content-Type";
}

TEST_F(Refusals, of_clients_without_the_right_token) {
  EXPECT_EQ(post("/api/v1/stock-readings", "{}", {}).status, 401);
  EXPECT_EQ(post("/api/v1/shops", R"({"name":"x"})", staff()).status, 403);
  EXPECT_EQ(post("/api/v1/stock-readings", "{}", {{"Authorization", "Bearer coda_wrong"}}).status,
            401);
}

TEST_F(Refusals, do_not_write_secrets_to_the_log) {
  post("/api/v1/stock-readings", R"({"shop":1,"GTIN":"4006381333931","name":"Very private"})",
       staff());
  post("/api/v1/stock-readings", "{\"broken", staff());
  const auto log = service_log();
  EXPECT_EQ(log.find("coda_"), std::string::npos);
  EXPECT_EQ(log.find("Very private"), std::string::npos);
}

}  // namespace
}  // namespace codasync::test
