#include "api/parameters.hpp"

#include <gtest/gtest.h>

#include <array>

namespace codasync::api {
namespace {

TEST(Parameters, are_read_by_type) {
  Parameters parameters{
      {{"shop", "7"}, {"expired", "true"}, {"expires_before", "2026-12-24"}, {"limit", "5"}}};
  EXPECT_EQ(parameters.shops("shop"), std::vector{ShopId{7}});
  EXPECT_EQ(parameters.flag("expired"), true);
  EXPECT_EQ(parameters.date("expires_before"), parse_date("2026-12-24"));
  EXPECT_EQ(parameters.limit(), 5U);
  EXPECT_FALSE(parameters.finish());
}

TEST(Parameters, that_are_times_are_refused_with_the_form_to_send) {
  Parameters day{{{"expires_before", "2026-12-24"}, {"since", "2026-12-24T09:30:00+01:00"}}};
  EXPECT_EQ(day.instant("since"), parse_instant("2026-12-24T08:30:00Z"));
  EXPECT_EQ(day.date("absent"), std::nullopt);
  EXPECT_EQ(day.instant("absent"), std::nullopt);
  Parameters wrong{{{"expires_before", "2026-02-30"}, {"since", "2026-12-24"}}};
  EXPECT_EQ(wrong.date("expires_before"), std::nullopt);
  EXPECT_EQ(wrong.instant("since"), std::nullopt);
  const auto errors = wrong.finish()->errors;
  EXPECT_EQ(errors.at("expires_before"),
            std::vector<std::string>{"This must be a valid date in the form YYYY-MM-DD."});
  const std::string form =
      "This must be a date and time with a UTC offset, such as 2026-11-24T09:30:00Z.";
  EXPECT_EQ(errors.at("since"), std::vector{form});
  Parameters plus{{{"since", "2026-12-24T09:30:00 01:00"}}};  // ?since=2026-12-24T09:30:00+01:00
  EXPECT_EQ(plus.instant("since"), std::nullopt);
  EXPECT_EQ(plus.finish()->errors.at("since"),
            std::vector{form + " In an address, write + as %2B."});
}

TEST(Parameters, that_are_numbers_have_limits) {
  Parameters right{{{"a", "1"}, {"b", "90"}, {"c", "0"}}};
  EXPECT_EQ(right.number("a", 1), 1);
  EXPECT_EQ(right.number("b", 0, 90), 90);
  EXPECT_EQ(right.number("c", 0, 90), 0);
  EXPECT_EQ(right.number("absent", 0), std::nullopt);
  EXPECT_EQ(right.number("absent", 0, 90), std::nullopt);
  EXPECT_FALSE(right.finish());
  Parameters wrong{{{"a", "0"}, {"b", "91"}, {"c", "-1"}, {"d", "x"}, {"e", "1.5"}}};
  EXPECT_EQ(wrong.number("a", 1), std::nullopt);
  for (const auto* name : {"b", "c", "d"}) EXPECT_EQ(wrong.number(name, 0, 90), std::nullopt);
  EXPECT_EQ(wrong.number("e", 0), std::nullopt);
  EXPECT_EQ(wrong.finish()->errors.size(), 5U);
  Parameters large{{{"a", "9223372036854775807"}, {"b", "9223372036854775808"}}};
  EXPECT_EQ(large.number("a", 1), INT64_MAX);
  EXPECT_EQ(large.number("b", 1), std::nullopt);
  EXPECT_EQ(large.finish()->errors.at("b"),
            std::vector<std::string>{"This must be a whole number from 1 to 9223372036854775807."});
}

TEST(Parameters, that_are_words_have_white_space_of_any_kind_between_them) {
  using Words = std::vector<std::string>;
  for (const auto* text : {"tea green", " green  tea ", "tea\tgreen\r\n", "tea\ngreen",
                           "tea\u00A0green", "tea\u3000\u2028green"}) {
    Parameters parameters{{{"search", text}}};
    EXPECT_EQ(parameters.words("search"), (Words{"green", "tea"})) << text;
    EXPECT_EQ(parameters.canonical(), "search=green%20tea") << text;
    EXPECT_FALSE(parameters.finish()) << text;
  }
  for (const auto* text : {"", " ", "\t"}) {
    Parameters parameters{{{"search", text}}};
    EXPECT_EQ(parameters.words("search"), Words{});
    EXPECT_EQ(parameters.canonical(), "");
    EXPECT_FALSE(parameters.finish());
  }
  for (const auto* text : {"tea\u0007green", "tea \xFF"}) {
    Parameters parameters{{{"search", text}}};
    EXPECT_EQ(parameters.words("search"), Words{}) << text;
    EXPECT_TRUE(parameters.finish()) << text;
  }
}

TEST(Parameters, that_are_one_of_some_words_have_its_place) {
  constexpr std::array<std::string_view, 2> kWords{"name", "-name"};
  Parameters parameters{{{"ordering", "-name"}, {"other", "price"}}};
  EXPECT_EQ(parameters.one_of("ordering", kWords), 1U);
  EXPECT_EQ(parameters.one_of("absent", kWords), std::nullopt);
  EXPECT_EQ(parameters.one_of("other", kWords), std::nullopt);
  EXPECT_EQ(parameters.finish()->errors.at("other"),
            std::vector<std::string>{"This must be one of: name, -name."});
}

TEST(Parameters, that_are_repeated_are_all_read_as_texts) {
  const Parameters parameters{{{"a", "1"}, {"b", "2"}, {"a", "3"}}};
  EXPECT_EQ(parameters.texts("a"), (std::vector<std::string>{"1", "3"}));
  EXPECT_TRUE(parameters.texts("c").empty());
}

TEST(Parameters, make_the_address_of_a_list) {
  Parameters counted{{{"count", "1"}, {"shop", "7"}}};
  EXPECT_TRUE(counted.counts());
  counted.shops("shop");
  EXPECT_EQ(counted.address("/x"), "/x?count=true&shop=7");
  Parameters plain{{{"count", "false"}}};
  EXPECT_FALSE(plain.counts());
  EXPECT_EQ(plain.address("/x"), "/x");
}

TEST(Parameters, that_are_ids_begin_with_one) {
  for (const auto* text : {"0", "-1", "x", "1,0", "9223372036854775808"}) {
    Parameters parameters{{{"shop", text}}};
    parameters.shops("shop");
    EXPECT_TRUE(parameters.finish()->errors.contains("shop")) << text;
  }
}

TEST(Parameters, that_are_flags_distinguish_false_and_absent) {
  for (const auto* yes : {"true", "1"})
    EXPECT_EQ((Parameters{{{"expired", yes}}}.flag("expired")), true) << yes;
  for (const auto* no : {"false", "0"})
    EXPECT_EQ((Parameters{{{"expired", no}}}.flag("expired")), false) << no;
  EXPECT_EQ((Parameters{{{"in_stock", "true"}}}.flag("expired")), std::nullopt);
  for (const auto* other : {"", "yes", "True", "2", "null", " true"}) {
    Parameters parameters{{{"expired", other}}};
    EXPECT_EQ(parameters.flag("expired"), std::nullopt) << other;
    EXPECT_TRUE(parameters.finish()) << other;
  }
}

TEST(Parameters, report_all_invalid_and_repeated_parameters_together) {
  Parameters parameters{
      {{"shop", "x"}, {"expired", "maybe"}, {"limit", "1001"}, {"GTIN", "1"}, {"GTIN", "2"}}};
  parameters.shops("shop");
  parameters.flag("expired");
  parameters.limit();
  parameters.gtins("GTIN");
  const auto problem = parameters.finish();
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->status, 400);
  EXPECT_EQ(problem->type, "bad-query");
  for (const auto* name : {"shop", "expired", "limit", "GTIN"})
    EXPECT_TRUE(problem->errors.contains(name)) << name;
}

TEST(Parameters, with_several_values_have_each_once_in_their_order) {
  const auto gtins = [](const char* text) { return Parameters{{{"GTIN", text}}}.gtins("GTIN"); };
  const auto tea = Gtin::from_number(4006381333931);
  const auto salt = Gtin::from_number(96385074);
  EXPECT_EQ(gtins("4006381333931"), std::vector{tea});
  EXPECT_EQ(gtins("4006381333931,96385074"), (std::vector{tea, salt}));
  EXPECT_EQ(gtins("96385074,4006381333931,96385074,04006381333931"), (std::vector{salt, tea}));
  EXPECT_EQ((Parameters{{{"shop", "3,1,3"}}}.shops("shop")), (std::vector{ShopId{3}, ShopId{1}}));
  EXPECT_EQ(gtins(" 4006381333931, 96385074\xC2\xA0"), (std::vector{tea, salt})) << "as in JSON";
  EXPECT_EQ((Parameters{{{"shop", "3, 1"}}}.shops("shop")), (std::vector{ShopId{3}, ShopId{1}}));
  EXPECT_TRUE(Parameters{{}}.gtins("GTIN").empty());
}

TEST(Parameters, with_several_values_report_which_one_is_invalid) {
  const auto errors = [](const std::string& text) {
    Parameters parameters{{{"GTIN", text}}};
    parameters.gtins("GTIN");
    const auto problem = parameters.finish();
    return problem ? problem->errors.at("GTIN") : std::vector<std::string>{};
  };
  const std::string wrong{explain(GtinRefusal::wrong_check_digit)};
  EXPECT_EQ(errors("4006381333932"), std::vector{wrong}) << "the only value";
  EXPECT_EQ(errors("96385074,4006381333932"), std::vector{"\"4006381333932\": " + wrong});
  EXPECT_EQ(errors("4006381333932,96385074,96385075").size(), 2U);
  for (const auto* text : {"", ",", "96385074,", ",96385074", "96385074,,4006381333931",
                           "96385074, ", "96385074;4006381333931", "96385074,\xFF"})
    EXPECT_FALSE(errors(text).empty()) << text;
}

TEST(Parameters, with_several_values_have_a_limit) {
  const auto repeated = [](std::size_t count, const std::string& value) {
    std::string text{value};
    for (std::size_t i = 1; i < count; ++i) text += "," + value;
    Parameters parameters{{{"GTIN", text}}};
    parameters.gtins("GTIN");
    return parameters.finish();
  };
  EXPECT_FALSE(repeated(100, "96385074"));
  const auto problem = repeated(101, "96385074");
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->errors.at("GTIN"),
            std::vector<std::string>{"At most 100 values are allowed."});
  EXPECT_EQ(repeated(100, "x")->errors.at("GTIN").size(), 20U) << "the response is not as long";
  EXPECT_TRUE(repeated(1'000'000, "x"));
}

TEST(Parameters, of_text_are_trimmed_and_absent_when_empty) {
  for (const auto* empty : {"", " ", "\t", "\u00A0"}) {
    Parameters parameters{{{"search", empty}}};
    EXPECT_EQ(parameters.text("search"), std::nullopt) << empty;
    EXPECT_FALSE(parameters.finish()) << empty;
  }
  EXPECT_EQ((Parameters{{{"search", " green  tea "}}}.text("search")), "green  tea");
  for (const auto* wrong : {"a\x07", "\xFF", "a\u202Eb", "\u0301"}) {
    Parameters parameters{{{"search", wrong}}};
    EXPECT_EQ(parameters.text("search"), std::nullopt) << wrong;
    EXPECT_TRUE(parameters.finish()) << wrong;
  }
}

TEST(Parameters, limit_the_size_of_a_page) {
  for (const auto* limit : {"0", "-1", "1001", "abc", "", "1e2", "99999999999999999999"}) {
    Parameters parameters{{{"limit", limit}}};
    parameters.limit();
    EXPECT_TRUE(parameters.finish()) << limit;
  }
  EXPECT_EQ(Parameters{{}}.limit(), 100U);
}

TEST(Parameters, accept_cursors_of_any_length) {
  const std::string name(1000, 'x');
  Parameters long_one{{{"cursor", make_cursor(name)}}};
  EXPECT_EQ(long_one.cursor(), name);
  EXPECT_FALSE(long_one.finish());
  Parameters none{{{"cursor", "2abc"}}};
  EXPECT_FALSE(none.cursor());
  EXPECT_TRUE(none.finish()->errors.contains("cursor"));
}

TEST(Parameters, without_a_cursor_begin_with_the_first_page) {
  Parameters parameters{{}};
  EXPECT_EQ(parameters.cursor(), std::nullopt);
  EXPECT_EQ(parameters.id_cursor(), std::nullopt);
  EXPECT_FALSE(parameters.finish());
}

TEST(Parameters, accept_only_cursors_of_ids_as_id_cursors) {
  Parameters seven{{{"cursor", make_cursor(7)}}};
  EXPECT_EQ(seven.id_cursor(), 7);
  EXPECT_FALSE(seven.finish());
  for (const auto& cursor :
       {std::string{"7"}, make_cursor("-1"), make_cursor("0"), make_cursor("x"), make_cursor(""),
        make_cursor("99999999999999999999")}) {
    Parameters parameters{{{"cursor", cursor}}};
    EXPECT_EQ(parameters.id_cursor(), std::nullopt) << cursor;
    EXPECT_EQ(parameters.finish()->errors.at("cursor"),
              std::vector<std::string>{"Invalid cursor."});
  }
}

TEST(Cursor, contains_any_text) {
  std::string all;
  for (int c = 0; c < 256; ++c) {
    EXPECT_EQ(read_cursor(make_cursor(all)), all);
    all.push_back(static_cast<char>(c));
  }
}

TEST(Cursor, that_is_malformed_is_refused) {
  for (const auto* cursor : {"", "2abc", "1ab=", "1 a", "x"})
    EXPECT_FALSE(read_cursor(cursor)) << cursor;
}

TEST(NextPage, has_the_same_query_with_another_cursor) {
  Parameters parameters{{{"search", "a&b c"}, {"cursor", make_cursor("old")}, {"limit", "5"}}};
  parameters.limit();
  parameters.text("search");
  parameters.cursor();
  const auto link = parameters.next_page("/x", "new");
  EXPECT_EQ(link.name, "Link");
  EXPECT_EQ(link.value, "</x?limit=5&search=a%26b%20c&cursor=new>; rel=\"next\"");
  EXPECT_EQ(Parameters{{}}.next_page("/x", "new").value, "</x?cursor=new>; rel=\"next\"");
}

TEST(CanonicalQuery, has_one_spelling_for_each_value_and_no_defaults) {
  const auto canonical = [](const char* text) {
    Parameters parameters{parse_query(text).value()};
    parameters.limit();
    parameters.shops("shop");
    parameters.gtins("GTIN");
    parameters.flag("expired");
    parameters.date("expires_before");
    parameters.instant("not_checked_since");
    parameters.text("category");
    EXPECT_FALSE(parameters.finish()) << text;
    return parameters.canonical();
  };
  EXPECT_EQ(canonical(""), "");
  EXPECT_EQ(canonical("limit=100&category="), "") << "defaults";
  const auto* const wanted =
      "GTIN=96385074%2C4006381333931&category=Tea%20%26%20more&expired=true&expires_before="
      "2026-03-01&limit=5&not_checked_since=2026-03-01T10%3A00%3A00Z&shop=2%2C10";
  for (const auto* text :
       {"shop=2,10&GTIN=96385074,4006381333931&category=Tea+%26+more&expired=true"
        "&expires_before=2026-03-01&limit=5&not_checked_since=2026-03-01T10:00:00Z",
        "&limit=5.0&&not_checked_since=2026-03-01T11:00:00%2B01:00&expires_before=2026-3-1"
        "&GTIN=04006381333931,96385074,4006381333931&%73hop=10,2,10&expired=1"
        "&category=%20Tea%20%26%20more%20"})
    EXPECT_EQ(canonical(text), wanted) << text;
}

}  // namespace
}  // namespace codasync::api
