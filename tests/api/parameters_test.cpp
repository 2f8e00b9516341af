#include "api/parameters.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

TEST(Parameters, are_read_by_type) {
  Parameters parameters{
      {{"shop", "7"}, {"expired", "true"}, {"expires_before", "2026-12-24"}, {"limit", "5"}}};
  EXPECT_EQ(parameters.id("shop"), 7);
  EXPECT_TRUE(parameters.flag("expired"));
  EXPECT_EQ(parameters.date("expires_before"), parse_date("2026-12-24"));
  EXPECT_EQ(parameters.limit(), 5U);
  EXPECT_FALSE(parameters.finish());
}

TEST(Parameters, name_everything_that_is_wrong_unknown_or_twice) {
  Parameters parameters{{{"shop", "x"},
                         {"expired", "maybe"},
                         {"limit", "1001"},
                         {"a", "1"},
                         {"GTIN", "1"},
                         {"GTIN", "2"}}};
  parameters.id("shop");
  parameters.flag("expired");
  parameters.limit();
  parameters.gtin("GTIN");
  const auto problem = parameters.finish();
  ASSERT_TRUE(problem);
  for (const auto* name : {"shop", "expired", "limit", "a", "GTIN"})
    EXPECT_TRUE(problem->errors.contains(name)) << name;
}

TEST(Parameters, bound_the_page) {
  for (const auto* limit : {"0", "-1", "1001", "abc", "", "1e2", "99999999999999999999"}) {
    Parameters parameters{{{"limit", limit}}};
    parameters.limit();
    EXPECT_TRUE(parameters.finish()) << limit;
  }
  EXPECT_EQ(Parameters{{}}.limit(), 100U);
}

TEST(Parameters, show_names_of_strangers_as_readable_text) {
  Parameters parameters{{{std::string(300, 'x'), "1"}, {"caf\xE9", "1"}}};
  const auto problem = parameters.finish();
  ASSERT_TRUE(problem);
  EXPECT_TRUE(problem->errors.contains(std::string(100, 'x')));
  EXPECT_TRUE(problem->errors.contains("caf\uFFFD"));
}

TEST(Parameters, take_cursors_as_long_as_they_are_made) {
  const std::string name(1000, 'x');
  Parameters long_one{{{"cursor", make_cursor(name)}}};
  EXPECT_EQ(long_one.cursor(), name);
  EXPECT_FALSE(long_one.finish());
  Parameters none{{{"cursor", "2abc"}}};
  EXPECT_FALSE(none.cursor());
  EXPECT_TRUE(none.finish()->errors.contains("cursor"));
}

TEST(Cursor, gives_back_any_text) {
  std::string all;
  for (int c = 0; c < 256; ++c) {
    EXPECT_EQ(read_cursor(make_cursor(all)), all);
    all.push_back(static_cast<char>(c));
  }
}

TEST(Cursor, refuses_what_it_did_not_make) {
  for (const auto* cursor : {"", "2abc", "1ab=", "1 a", "x"})
    EXPECT_FALSE(read_cursor(cursor)) << cursor;
}

TEST(NextPage, asks_the_same_question_with_another_cursor) {
  const auto link =
      next_page("/x", {{"search", "a&b c"}, {"cursor", "old"}, {"limit", "5"}}, "new");
  EXPECT_EQ(link.name, "Link");
  EXPECT_EQ(link.value, "</x?search=a%26b%20c&limit=5&cursor=new>; rel=\"next\"");
}

}  // namespace
}  // namespace codasync::api
