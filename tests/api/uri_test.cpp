#include "api/uri.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

TEST(Uri, decodes_escapes_and_refuses_invalid_ones) {
  EXPECT_EQ(decode_path("a%2Fb+c"), "a/b+c");
  EXPECT_EQ(decode_query("a%2Fb+c"), "a/b c");
  EXPECT_EQ(decode_path("%c3%A9"), "é");
  for (const auto* broken : {"%", "%4", "%4g", "%%41", "abc%"})
    EXPECT_FALSE(decode_path(broken)) << broken;
}

TEST(Uri, decodes_every_byte_that_it_encoded) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(decode_path(encode(all)), all);
  EXPECT_EQ(decode_query(encode(all)), all);
}

TEST(Uri, splits_a_query_into_parameters) {
  EXPECT_EQ(parse_query("a=1&&b=x%26y&c&d="),
            (Query{{"a", "1"}, {"b", "x&y"}, {"c", ""}, {"d", ""}}));
  EXPECT_EQ(parse_query(""), Query{});
  EXPECT_EQ(parse_query("a=b=c"), (Query{{"a", "b=c"}}));
  EXPECT_FALSE(parse_query("a=%zz"));
  EXPECT_FALSE(parse_query("%zz=a"));
}

}  // namespace
}  // namespace codasync::api
