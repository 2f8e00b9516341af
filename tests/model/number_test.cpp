#include "storage/model/number.hpp"

#include <gtest/gtest.h>

namespace codasync {
namespace {

TEST(Integers, are_digits_with_a_minus_at_most) {
  EXPECT_EQ(parse_integer("7"), 7);
  EXPECT_EQ(parse_integer("-7"), -7);
  EXPECT_EQ(parse_integer("9223372036854775807"), INT64_MAX);
  for (const auto* text : {"", "-", "+7", " 7", "7 ", "7.0", "0x7", "9223372036854775808"})
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
}

TEST(PositiveNumbers, begin_with_one) {
  EXPECT_EQ(parse_positive("1"), 1);
  EXPECT_EQ(parse_positive("0"), std::nullopt);
  EXPECT_EQ(parse_positive("-1"), std::nullopt);
  EXPECT_EQ(parse_positive("x"), std::nullopt);
}

TEST(WholeNumbers, are_read_as_clients_and_spreadsheets_write_them) {
  EXPECT_EQ(parse_whole_number("7"), 7);
  EXPECT_EQ(parse_whole_number("-7"), -7);
  EXPECT_EQ(parse_whole_number("007"), 7);
  EXPECT_EQ(parse_whole_number("12.0"), 12);
  EXPECT_EQ(parse_whole_number("12.000"), 12);
  EXPECT_EQ(parse_whole_number("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(parse_whole_number("-9223372036854775808"), INT64_MIN);
  for (const auto* text : {"",
                           "-",
                           ".",
                           "-.0",
                           "7.",
                           ".0",
                           "7.5",
                           "7.0.0",
                           "7,0",
                           "+7",
                           " 7",
                           "7 ",
                           "1e1",
                           "0x7",
                           "1,000",
                           "1_000",
                           "seven",
                           "7a",
                           "9223372036854775808",
                           "99999999999999999999",
                           "NaN",
                           "\u0667"}) {
    EXPECT_EQ(parse_whole_number(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace codasync
