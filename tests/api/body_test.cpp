#include <gtest/gtest.h>

#include "api/json.hpp"

namespace codasync::api {
namespace {

Body parsed(const std::string& text) {
  auto body = Body::parse(text);
  EXPECT_TRUE(body) << text;
  return std::move(body).value();
}

FieldErrors errors_of(Body& body) {
  const auto problem = body.finish();
  return problem ? problem->errors : FieldErrors{};
}

TEST(Body, must_be_a_json_object) {
  for (const auto* text : {"", "{", "[]", "1", "\"x\"", "{\"a\":}", "{'a':1}", "{\"a\":1}x", "null",
                           "{\"a\":\"\xff\"}", "{\"a\":1,\"a\":2}", "{\"a\":NaN}", "{\"a\":1,}"}) {
    EXPECT_FALSE(Body::parse(text)) << text;
  }
  EXPECT_TRUE(Body::parse(" {} "));
}

TEST(Body, may_not_be_nested_without_end) {
  std::string deep(100'000, '[');
  EXPECT_FALSE(Body::parse("{\"a\":" + deep));
  const std::string closed = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_FALSE(Body::parse("{\"a\":" + closed + "}"));
}

TEST(Body, tells_left_out_from_null_from_given) {
  auto body = parsed(R"({"a":null,"b":7})");
  const auto a = body.integer("a", 0, 10);
  const auto b = body.integer("b", 0, 10);
  const auto c = body.integer("c", 0, 10);
  EXPECT_TRUE(a.given && !a.value);
  EXPECT_TRUE(b.given && b.value == 7);
  EXPECT_FALSE(c.given);
  EXPECT_FALSE(body.finish());
}

TEST(Body, names_everything_that_is_wrong_at_once) {
  auto body = parsed(
      R"({"name":"","quantity":-1,"expiry_date":"2026-02-30","GTIN":"4006381333930","what":1})");
  body.name("name");
  body.integer("quantity", 0, 10);
  body.date("expiry_date");
  body.gtin("GTIN");
  body.require("shop", body.integer("shop", 1, 10));
  const auto errors = errors_of(body);
  for (const auto* field : {"name", "quantity", "expiry_date", "GTIN", "what", "shop"})
    EXPECT_TRUE(errors.contains(field)) << field;
}

TEST(Body, keeps_numbers_whole_and_within_64_bits) {
  for (const auto* number :
       {"1.5", "1e3", "\"1\"", "9223372036854775808", "-1", "true", "[]", "18446744073709551616"}) {
    auto body = parsed(std::string{"{\"n\":"} + number + "}");
    EXPECT_FALSE(body.integer("n", 0, INT64_MAX).value) << number;
    EXPECT_TRUE(errors_of(body).contains("n")) << number;
  }
}

TEST(Body, takes_a_gtin_as_text_or_as_the_number_that_the_first_service_took) {
  auto text = parsed(R"({"GTIN":"4006381333931"})");
  auto number = parsed(R"({"GTIN":4006381333931})");
  EXPECT_EQ(text.gtin("GTIN").value, number.gtin("GTIN").value);
  auto lost_zeros = parsed(R"({"GTIN":36000291452})");
  EXPECT_FALSE(lost_zeros.gtin("GTIN").value);
}

TEST(Body, refuses_control_characters_in_names) {
  auto body = parsed(R"({"name":"tea\u0007"})");
  EXPECT_FALSE(body.name("name").value);
  EXPECT_TRUE(errors_of(body).contains("name"));
}

TEST(Body, shows_names_of_strangers_as_readable_text) {
  auto body = parsed(R"({"\udc00":1,"\u0000":2})");
  const auto errors = errors_of(body);
  EXPECT_TRUE(errors.contains("\uFFFD\uFFFD\uFFFD")) << "a lone surrogate is no text";
  EXPECT_TRUE(errors.contains(std::string(1, '\0'))) << "JSON can show it";
  const auto twice =
      Body::parse("{\"" + std::string(5000, 'x') + "\":1,\"" + std::string(5000, 'x') + "\":1}");
  ASSERT_FALSE(twice);
  EXPECT_TRUE(twice.error().errors.contains(std::string(100, 'x')));
}

TEST(Body, refuses_lone_surrogates_in_names) {
  for (const auto* text : {R"({"name":"\ud800"})", R"({"name":"\ud800x"})"})
    EXPECT_FALSE(Body::parse(text)) << text;
  auto body = parsed(R"({"name":"\udc00"})");
  EXPECT_FALSE(body.name("name").value);
  EXPECT_TRUE(errors_of(body).contains("name"));
}

TEST(Body, answers_a_wild_body_with_a_bounded_list) {
  std::string text{"{"};
  for (int i = 0; i < 5000; ++i) text += "\"f" + std::to_string(i) + "\":1,";
  text.back() = '}';
  auto body = parsed(text);
  EXPECT_LE(errors_of(body).size(), 50U);
}

}  // namespace
}  // namespace codasync::api
