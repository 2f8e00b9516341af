#include "api/etag.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

TEST(EntityTags, are_read_strong_and_weak) {
  const auto tags = parse_entity_tags(R"( "3-1" , W/"4-1","5")");
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->tags, (std::vector<std::string>{"3-1", "4-1", "5"}));
  EXPECT_TRUE(tags->contains("4-1"));
  EXPECT_FALSE(tags->contains("6"));
}

TEST(EntityTags, accept_the_star) {
  const auto any = parse_entity_tags(" * ");
  ASSERT_TRUE(any);
  EXPECT_TRUE(any->contains("anything"));
  EXPECT_TRUE(versions_of(*any).empty());
}

TEST(EntityTags, refuse_malformed_headers) {
  for (const auto* header :
       {"3", "\"3", "* \"3\"", "*,", "\"a\" \"b\"", "W/", "", "  ", ",", " , ,", "\"a\";"}) {
    EXPECT_FALSE(parse_entity_tags(header)) << header;
  }
}

TEST(EntityTags, have_blanks_and_tabs_around_them) {
  EXPECT_EQ(parse_entity_tags("\t\"a\" \t, \t\"b\"\t")->tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(parse_entity_tags(" *\t")->any);
}

TEST(EntityTags, have_no_effect_where_an_element_is_empty) {
  for (const auto* header :
       {", \"a\", \"b\"", "\"a\",,\"b\"", "\"a\" ,\t, \"b\",", "\"a\",\"b\", ,"})
    EXPECT_EQ(parse_entity_tags(header)->tags, (std::vector<std::string>{"a", "b"})) << header;
}

TEST(EntityTags, of_a_reading_accept_the_star_for_every_version) {
  EXPECT_TRUE(reading_precondition(*parse_entity_tags("*")).any_of.empty());
}

TEST(EntityTags, of_versions_are_read_beside_others) {
  EXPECT_EQ(version_tag(3), "3");
  EXPECT_EQ(versions_of(*parse_entity_tags(R"("3", "x", W/"7")")),
            (std::vector<std::int64_t>{3, 7}));
}

TEST(EntityTags, that_are_not_versions_match_no_version) {
  EXPECT_EQ(versions_of(*parse_entity_tags(R"("xyz")")), std::vector<std::int64_t>{0});
  const auto precondition = reading_precondition(*parse_entity_tags(
      R"("x", "x-y", "0", "1-", "-1", "1-2-3", "1-x", "1-2-x-x", "1-2-y", "-x", "99999999999999999999-1")"));
  ASSERT_EQ(precondition.any_of.size(), 1U);
  EXPECT_EQ(precondition.any_of[0].reading, 0);
}

Reading a_reading(std::int64_t version, std::int64_t product_version, bool expired) {
  return {{.id = ReadingId{1},
           .shop = ShopId{1},
           .gtin = Gtin::from_number(4006381333931),
           .date = {},
           .quantity = {},
           .version = version,
           .observed_at = {},
           .updated_at = {},
           .checked_at = {},
           .counted_at = {},
           .expired = expired},
          "Tea",
          product_version};
}

TEST(EntityTags, contain_the_versions_of_a_reading_and_of_its_product) {
  for (const bool expired : {false, true}) {
    const auto precondition = reading_precondition(
        *parse_entity_tags("\"" + reading_tag(a_reading(12, 3, expired)) + "\""));
    ASSERT_EQ(precondition.any_of.size(), 1U);
    EXPECT_EQ(precondition.any_of[0].reading, 12);
    EXPECT_EQ(precondition.any_of[0].product, 3);
  }
}

TEST(EntityTags, of_a_reading_differ_when_its_content_differs) {
  EXPECT_NE(reading_tag(a_reading(12, 3, false)), reading_tag(a_reading(13, 3, false)));
  EXPECT_NE(reading_tag(a_reading(12, 3, false)), reading_tag(a_reading(12, 4, false)));
  EXPECT_NE(reading_tag(a_reading(12, 3, false)), reading_tag(a_reading(12, 3, true)));
}

TEST(EntityTags, may_contain_only_the_version_of_a_reading) {
  const auto precondition = reading_precondition(*parse_entity_tags(R"("12", W/"13", "14-2")"));
  ASSERT_EQ(precondition.any_of.size(), 3U);
  EXPECT_EQ(precondition.any_of[0].reading, 12);
  EXPECT_EQ(precondition.any_of[0].product, std::nullopt);
  EXPECT_EQ(precondition.any_of[1].reading, 13);
  EXPECT_EQ(precondition.any_of[2].product, 2);
}

TEST(EntityTags, of_different_bodies_differ) {
  EXPECT_EQ(body_tag("[]"), body_tag("[]"));
  EXPECT_NE(body_tag("[]"), body_tag("[ ]"));
  EXPECT_EQ(body_tag("").size(), 24U);
}

}  // namespace
}  // namespace codasync::api
