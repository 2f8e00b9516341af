#include "api/body.hpp"

#include <gtest/gtest.h>

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

TEST(Body, has_a_limited_depth) {
  std::string deep(100'000, '[');
  EXPECT_FALSE(Body::parse("{\"a\":" + deep));
  const std::string closed = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_FALSE(Body::parse("{\"a\":" + closed + "}"));
}

TEST(Body, distinguishes_absent_null_and_given_fields) {
  auto body = parsed(R"({"a":null,"b":7})");
  const auto a = body.integer("a", 0, 10);
  const auto b = body.integer("b", 0, 10);
  const auto c = body.integer("c", 0, 10);
  EXPECT_TRUE(a.given && !a.value);
  EXPECT_TRUE(b.given && b.value == 7);
  EXPECT_FALSE(c.given);
  EXPECT_FALSE(body.finish());
}

TEST(Body, reports_all_invalid_fields_together) {
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

TEST(Body, refuses_numbers_that_are_not_whole_or_exceed_64_bits) {
  for (const auto* number : {"1.5",
                             "1e-1",
                             "9223372036854775808",
                             "-1",
                             "true",
                             "[]",
                             "18446744073709551616",
                             "1e300",
                             "1e19",
                             "9007199254740994.0",
                             "\"\"",
                             "\"1 0\"",
                             "\"+1\"",
                             "\"1.5\"",
                             "\"1e1\"",
                             "\"0x1\"",
                             "\"1_0\"",
                             "\"1,000\"",
                             "\"-1\"",
                             "\"9223372036854775808\"",
                             "\"true\""}) {
    auto body = parsed(std::string{"{\"n\":"} + number + "}");
    EXPECT_FALSE(body.integer("n", 0, INT64_MAX).value) << number;
    EXPECT_EQ(errors_of(body)["n"].at(0),
              "This must be a whole number from 0 to 9223372036854775807.")
        << number;
  }
}

TEST(Body, accepts_the_number_formats_of_the_django_api) {
  for (const auto* number :
       {"10", "10.0", "1e1", "1.0e1", "100e-1", "\"10\"", "\"10.0\"", "\"010\"", "\" 10\\n\""}) {
    auto body = parsed(std::string{"{\"n\":"} + number + ",\"list\":[" + number + "]}");
    EXPECT_EQ(body.integer("n", 0, 10).value, 10) << number;
    EXPECT_EQ(body.integers("list", 1, 10, 1).value, std::vector<std::int64_t>{10}) << number;
    EXPECT_FALSE(body.finish()) << number;
  }
  auto zero = parsed(R"({"a":-0.0,"b":-0,"c":"0","d":9007199254740992.0})");
  for (const auto* name : {"a", "b", "c"}) EXPECT_EQ(zero.integer(name, 0, 0).value, 0) << name;
  EXPECT_EQ(zero.integer("d", 0, INT64_MAX).value, 9'007'199'254'740'992);
}

TEST(Body, accepts_dates_within_the_limits_and_with_months_and_days_of_one_digit) {
  auto body = parsed(R"({"a":"2026-3-1","b":"2000-01-01"})");
  EXPECT_EQ(body.date("a").value, parse_date("2026-03-01"));
  EXPECT_EQ(body.date("b").value, parse_date("2000-01-01"));
  EXPECT_FALSE(body.finish());
  for (const auto* date :
       {"0026-12-24", "1899-12-30", "1999-12-31", "3026-12-01", "9999-12-31", "0001-01-01"}) {
    auto outside = parsed(std::string{"{\"d\":\""} + date + "\"}");
    EXPECT_FALSE(outside.date("d").value) << date;
    EXPECT_EQ(errors_of(outside)["d"].at(0),
              "An expiry date must be from 2000-01-01 to 100 years from now.");
  }
  for (const auto* date : {"\"2026-3-1T00:00:00Z\"", "\"26-3-1\"", "20260301", "\" 2026-03-01\""}) {
    auto wrong = parsed(std::string{"{\"d\":"} + date + "}");
    EXPECT_FALSE(wrong.date("d").value) << date;
    EXPECT_EQ(errors_of(wrong)["d"].at(0), "This must be a valid date in the form YYYY-MM-DD.");
  }
}

TEST(Body, trims_names_and_requires_a_visible_character) {
  for (const auto* text :
       {" Milk ", "Milk", "\\tMilk\\n", "\\u00a0Milk\\u3000", "\\u200bMilk\\ufeff"}) {
    auto body = parsed(std::string{"{\"name\":\""} + text + "\"}");
    EXPECT_EQ(body.name("name").value, "Milk") << text;
  }
  auto inside = parsed(R"({"name":"  Green  tea "})");
  EXPECT_EQ(inside.name("name").value, "Green  tea");
  for (const auto* text : {"", " ", "\\u200b", "\\u200e", "\\u2060", "\\ufeff", "\\u00ad",
                           "\\u034f", "\\u180e", "\\ufe0f", "\\u0301", "\\u202e", "\\u2066",
                           "a\\u202eb", "a\\u0085b", "a\\nb", "a\\u2028b"}) {
    auto body = parsed(std::string{"{\"name\":\""} + text + "\"}");
    EXPECT_FALSE(body.name("name").value) << text;
    EXPECT_TRUE(errors_of(body).contains("name")) << text;
  }
  auto longest = parsed("{\"name\":\" " + std::string(255, 'x') + " \"}");
  EXPECT_TRUE(longest.name("name").value) << "white space at the ends does not count";
  auto too_long = parsed("{\"name\":\"" + std::string(256, 'x') + "\"}");
  too_long.name("name");
  EXPECT_EQ(errors_of(too_long)["name"].at(0), "At most 255 characters are allowed.");
}

TEST(Body, accepts_a_gtin_as_a_string_or_as_a_number) {
  auto text = parsed(R"({"GTIN":"4006381333931"})");
  auto number = parsed(R"({"GTIN":4006381333931})");
  EXPECT_EQ(text.gtin("GTIN").value, number.gtin("GTIN").value);
  auto as_double = parsed(R"({"GTIN":4.006381333931e12})");
  EXPECT_EQ(as_double.gtin("GTIN").value, Gtin::from_number(4006381333931));
  for (const auto* other : {"36000291452", "-4006381333931", "4006381333931.5", "true", "[]",
                            "18446744073709551615", "\"0000000000000\"", "0"}) {
    auto wrong = parsed(std::string{"{\"GTIN\":"} + other + "}");
    EXPECT_FALSE(wrong.gtin("GTIN").value) << other;
    EXPECT_TRUE(errors_of(wrong).contains("GTIN")) << other;
  }
}

TEST(Body, accepts_only_true_and_false_as_a_flag) {
  auto body = parsed(R"({"a":true,"b":false,"c":null})");
  EXPECT_EQ(body.flag("a").value, true);
  EXPECT_EQ(body.flag("b").value, false);
  EXPECT_FALSE(body.flag("c").value);
  EXPECT_FALSE(body.flag("d").given);
  EXPECT_FALSE(body.finish());
  for (const auto* value : {"0", "1", "\"true\"", "[]", "{}"}) {
    auto other = parsed(std::string{"{\"a\":"} + value + "}");
    EXPECT_FALSE(other.flag("a").value);
    EXPECT_TRUE(errors_of(other).contains("a")) << value;
  }
}

TEST(Body, accepts_a_bounded_list_of_bounded_texts_as_they_are) {
  auto body = parsed(R"({"a":[" x\u001d","","\u0000"]})");
  EXPECT_EQ(body.texts("a", 3, 3).value,
            (std::vector<std::string>{" x\x1d", "", std::string(1, '\0')}));
  EXPECT_FALSE(body.finish());
  for (const auto* value : {"[]", "[1]", "[null]", "[[\"x\"]]", "\"x\"", "{}",
                            R"(["a","b","c","d"])", R"(["abcd"])", R"(["\u20ac1"])"}) {
    auto other = parsed(std::string{"{\"a\":"} + value + "}");
    EXPECT_FALSE(other.texts("a", 3, 3).value);
    EXPECT_TRUE(errors_of(other).contains("a")) << value;
  }
}

TEST(Body, accepts_a_time_with_a_utc_offset_only) {
  auto body = parsed(R"({"a":"2026-12-24T09:30:00+01:00","b":"2026-12-24","c":5,"d":null})");
  EXPECT_EQ(body.instant("a").value, parse_instant("2026-12-24T08:30:00Z"));
  EXPECT_FALSE(body.instant("b").value);
  EXPECT_FALSE(body.instant("c").value);
  EXPECT_TRUE(body.instant("d").given);
  const auto errors = errors_of(body);
  EXPECT_EQ(errors.size(), 2U);
  EXPECT_TRUE(errors.contains("b") && errors.contains("c"));
}

TEST(Body, accepts_a_whole_number_up_to_its_limits) {
  auto body = parsed(R"({"a":0,"b":10,"c":-1,"d":11})");
  EXPECT_EQ(body.integer("a", 0, 10).value, 0);
  EXPECT_EQ(body.integer("b", 0, 10).value, 10);
  EXPECT_FALSE(body.integer("c", 0, 10).value);
  EXPECT_FALSE(body.integer("d", 0, 10).value);
  EXPECT_EQ(errors_of(body).size(), 2U);
}

TEST(Body, has_null_lists_of_texts) {
  auto body = parsed(R"({"a":null})");
  const auto texts = body.texts("a", 2, 5);
  EXPECT_TRUE(texts.given && !texts.value);
  EXPECT_FALSE(body.texts("absent", 2, 5).given);
  EXPECT_FALSE(body.finish());
}

TEST(Body, accepts_one_of_some_words) {
  auto body = parsed(R"({"a":"staff","b":"Staff","c":1})");
  EXPECT_EQ(body.one_of("a", {"staff", "admin"}).value, "staff");
  EXPECT_FALSE(body.one_of("b", {"staff", "admin"}).value);
  EXPECT_FALSE(body.one_of("c", {"staff", "admin"}).value);
  EXPECT_FALSE(body.one_of("absent", {"staff"}).given);
  const auto errors = errors_of(body);
  EXPECT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors.at("b"), std::vector<std::string>{"This must be one of: staff, admin."});
}

TEST(Body, accepts_a_bounded_list_of_objects) {
  auto body = parsed(R"({"a":[{"n":1},{"n":2}],"b":[1],"c":[{},{},{}],"d":{},"e":[]})");
  auto list = body.objects("a", 2);
  ASSERT_TRUE(list.value);
  ASSERT_EQ(list.value->size(), 2U);
  EXPECT_EQ((*list.value)[1].integer("n", 0, 10).value, 2);
  EXPECT_FALSE((*list.value)[1].finish());
  EXPECT_TRUE((*list.value)[0].finish()) << "its field is not known";
  EXPECT_EQ(body.objects("e", 2).value->size(), 0U);
  EXPECT_FALSE(body.objects("absent", 2).given);
  for (const auto* wrong : {"b", "c", "d"}) EXPECT_FALSE(body.objects(wrong, 2).value) << wrong;
  EXPECT_EQ(errors_of(body).size(), 3U);
}

TEST(Body, accepts_a_bounded_list_of_whole_numbers) {
  auto body = parsed(R"({"a":[1,"9"],"b":[1,2,3],"c":[0],"d":[10],"e":["x"],"f":7,"g":[]})");
  EXPECT_EQ(body.integers("a", 1, 9, 2).value, (std::vector<std::int64_t>{1, 9}));
  EXPECT_EQ(body.integers("g", 1, 9, 2).value, std::vector<std::int64_t>{});
  EXPECT_FALSE(body.integers("absent", 1, 9, 2).given);
  for (const auto* wrong : {"b", "c", "d", "e", "f"})
    EXPECT_FALSE(body.integers(wrong, 1, 9, 2).value) << wrong;
  EXPECT_EQ(errors_of(body).size(), 5U);
}

TEST(Body, accepts_objects_by_name) {
  auto body = parsed(R"({"a":{" Tea ":{"n":1}},"b":{"Tea":1},"c":[],"d":{"x":{},"y":{},"z":{}},
                         "e":{"":{}},"f":{"Tea":{}," Tea":{}}})");
  auto found = body.objects_by_name("a", 2);
  ASSERT_TRUE(found.value);
  EXPECT_EQ(found.value->at("Tea").integer("n", 0, 10).value, 1);
  EXPECT_FALSE(body.objects_by_name("absent", 2).given);
  for (const auto* wrong : {"b", "c", "d"})
    EXPECT_FALSE(body.objects_by_name(wrong, 2).value) << wrong;
  body.objects_by_name("e", 2);
  body.objects_by_name("f", 2);
  const auto errors = errors_of(body);
  EXPECT_EQ(errors.size(), 5U);
  EXPECT_EQ(errors.at("f"), std::vector<std::string>{"\"Tea\": This name is repeated."});
}

TEST(Body, names_the_known_fields_beside_an_unknown_one) {
  auto body = parsed(R"({"nmae":"Tea","version":3})");
  body.name("name");
  body.name("brand");
  body.read_only({"version"});
  EXPECT_EQ(errors_of(body)["nmae"].at(0), "Unknown field. Known fields: name, brand.");
}

TEST(Body, takes_back_read_only_fields_of_the_form_that_answers_have) {
  auto body = parsed(
      R"({"id":7,"version":1,"updated_at":"2026-11-24T10:00:00.5Z","observed_at":"2026-11-24T10:00:00Z",)"
      R"("checked_at":null,"counted_at":"2026-11-24T10:00:00Z","available":true,"expired":false,)"
      R"("restricted":false,"outcome":"kept"})");
  EXPECT_EQ(body.own_id("id").value, 7);
  body.read_only({"version", "updated_at", "observed_at", "checked_at", "counted_at", "available",
                  "expired", "restricted", "outcome"});
  EXPECT_FALSE(body.finish());
  for (const auto* wrong :
       {R"("version":0)", R"("version":-1)", R"("version":1.5)", R"("version":"x")",
        R"("version":null)", R"("updated_at":"nonsense")", R"("updated_at":null)",
        R"("updated_at":7)", R"("updated_at":"2026-11-24")", R"("checked_at":"")",
        R"("available":1)", R"("available":null)", R"("outcome":"done")", R"("outcome":null)"}) {
    auto refused = parsed(std::string{"{"} + wrong + "}");
    refused.read_only({"version", "updated_at", "checked_at", "available", "outcome"});
    const auto problem = refused.finish();
    ASSERT_TRUE(problem) << wrong;
    EXPECT_EQ(problem->status, 400) << wrong;
    EXPECT_EQ(problem->errors.size(), 1U) << wrong;
  }
}

TEST(Body, refuses_the_identity_of_another_row) {
  const auto finished = [](const std::string& text) {
    auto body = parsed(text);
    body.own("id", body.own_id("id"), std::int64_t{7});
    body.own("GTIN", body.gtin("GTIN"), Gtin::from_number(4006381333931));
    body.name("name");
    return body.finish();
  };
  for (const auto* own : {"{}", R"({"id":7})", R"({"id":"7"})", R"({"GTIN":"04006381333931"})"})
    EXPECT_FALSE(finished(own)) << own;
  for (const auto* other : {R"({"id":8})", R"({"id":999})", R"({"GTIN":"96385074"})"}) {
    const auto problem = finished(other);
    ASSERT_TRUE(problem) << other;
    EXPECT_EQ(problem->status, 422) << other;
    EXPECT_EQ(problem->type, "identity-is-fixed");
  }
  for (const auto* wrong :
       {R"({"id":null})", R"({"id":"x"})", R"({"id":0})", R"({"id":8,"name":1})"})
    EXPECT_EQ(finished(wrong)->status, 400) << wrong;
}

TEST(Body, explains_what_to_send_instead_of_null) {
  auto body = parsed(R"({"name":null})");
  body.not_null("name", body.name("name"), "Leave it out to keep the name.");
  EXPECT_EQ(errors_of(body)["name"].at(0),
            "This field may not be null. Leave it out to keep the name.");
}

std::string canonical(const std::string& text) {
  std::string out;
  parsed(text).append_canonical(out);
  return out;
}

TEST(Body, has_one_canonical_text_for_all_spellings_of_the_same_json) {
  const auto one = canonical(R"({"shop":1,"name":"Tea é","list":[1,2],"x":{"a":null,"b":true}})");
  for (const auto* same :
       {R"({"name":"Tea é","shop":1,"x":{"b":true,"a":null},"list":[1,2]})",
        "\n{ \"shop\" : 1.0 , \"name\" : \"Tea \\u00e9\" , \"list\" : [ 1 , 2e0 "
        "],\t\"x\":{\"b\":true,\"a\":null}}",
        R"({"\u0073hop":10e-1,"n\u0061me":"T\u0065a é","list":[1.0,2],"x":{"a":null,"b":true}})"})
    EXPECT_EQ(canonical(same), one) << same;
  EXPECT_EQ(canonical(R"({"a":0.1})"), canonical(R"({"a":0.10})"));
  EXPECT_EQ(canonical(R"({"a":1e2})"), canonical(R"({"a":100})"));
  EXPECT_EQ(canonical(R"({"a":-0.0})"), canonical(R"({"a":0})"));
}

TEST(Body, has_different_canonical_texts_for_different_values) {
  const std::vector<std::string> all{"{}",
                                     R"({"a":null})",
                                     R"({"a":true})",
                                     R"({"a":false})",
                                     R"({"a":0})",
                                     R"({"a":1})",
                                     R"({"a":-1})",
                                     R"({"a":1.5})",
                                     R"({"a":"1"})",
                                     R"({"a":""})",
                                     R"({"a":"null"})",
                                     R"({"a":[]})",
                                     R"({"a":{}})",
                                     R"({"a":[1]})",
                                     R"({"a":[1,2]})",
                                     R"({"a":[2,1]})",
                                     R"({"a":[12]})",
                                     R"({"a":[[1],2]})",
                                     R"({"a":[[1,2]]})",
                                     R"({"b":1})",
                                     R"({"a":1,"b":1})",
                                     R"({"a":{"b":1}})",
                                     R"({"ab":1})",
                                     R"({"a":"b1"})",
                                     R"({"a":9223372036854775807})",
                                     R"({"a":9223372036854775806})",
                                     R"({"a":18446744073709551615})",
                                     R"({"a":1e300})",
                                     R"({"a":"x\"y"})",
                                     R"({"a":"x\\y"})",
                                     R"({"a":"A"})",
                                     R"({"A":1})"};
  for (const auto& a : all) {
    for (const auto& b : all) EXPECT_EQ(canonical(a) == canonical(b), a == b) << a << " " << b;
  }
}

TEST(Body, may_not_repeat_a_name_at_any_depth) {
  for (const auto* text : {R"({"a":1,"a":1})", R"({"a":{"b":1,"b":2}})", R"({"a":[{"b":1,"b":1}]})",
                           R"({"a":1,"\u0061":2})"})
    EXPECT_FALSE(Body::parse(text)) << text;
  EXPECT_TRUE(Body::parse(R"({"a":[{"b":1},{"b":1}],"b":{"a":1}})"));
}

TEST(Body, reports_the_position_of_a_json_error) {
  EXPECT_EQ(Body::parse(R"({"a":1,)").error().detail,
            "The body is not valid JSON (error at byte 7).");
}

TEST(Body, does_not_end_at_a_nul) {
  const std::string whole = R"({"a":1})";
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, whole.size()}) {
    auto text = whole + "x";
    text.insert(at, 1, '\0');
    const auto body = Body::parse(text);
    ASSERT_FALSE(body) << at;
    EXPECT_EQ(body.error().detail,
              "The body is not valid JSON (error at byte " + std::to_string(at) + ").");
  }
}

TEST(Body, refuses_control_characters_in_names) {
  auto body = parsed(R"({"name":"tea\u0007"})");
  EXPECT_FALSE(body.name("name").value);
  EXPECT_TRUE(errors_of(body).contains("name"));
}

TEST(Body, reports_unknown_fields_as_valid_and_short_text) {
  auto body = parsed(R"({"\udc00":1,"\u0000":2})");
  const auto errors = errors_of(body);
  EXPECT_TRUE(errors.contains("\uFFFD\uFFFD\uFFFD")) << "a lone surrogate is not valid text";
  EXPECT_TRUE(errors.contains(std::string(1, '\0'))) << "JSON can contain it";
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

// RapidJSON must not read after its table of powers (tests/fuzz/corpus/body/large_number).
TEST(Body, refuses_numbers_that_no_field_can_have) {
  const std::string digits(72, '9');
  for (const std::string& number :
       {digits, digits + ".5e300", std::string{"1e308"}, "-" + digits + "e200",
        "0." + digits + "e-300", std::string{"1.5"}}) {
    auto body = parsed(R"({"quantity":)" + number + "}");
    EXPECT_FALSE(body.integer("quantity", INT64_MIN, INT64_MAX).value) << number;
    EXPECT_TRUE(errors_of(body).contains("quantity")) << number;
  }
  EXPECT_FALSE(Body::parse(R"({"quantity":1e309})"));
}

TEST(Body, reports_a_bounded_number_of_unknown_fields) {
  std::string text{"{"};
  for (int i = 0; i < 5000; ++i) text += "\"f" + std::to_string(i) + "\":1,";
  text.back() = '}';
  auto body = parsed(text);
  EXPECT_LE(errors_of(body).size(), 20U);
}

}  // namespace
}  // namespace codasync::api
