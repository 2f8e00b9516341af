#include "storage/import/cell.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace codasync::storage {
namespace {

using testing::HasSubstr;

std::string gtin(std::string_view cell) {
  const auto parsed = gtin_of_cell(cell);
  return parsed ? parsed->canonical() : parsed.error();
}

TEST(GtinCells, are_read_as_spreadsheets_and_programs_protect_them) {
  for (const auto* cell :
       {"4006381333931", " 4006381333931\t", "=\"4006381333931\"", "'4006381333931",
        "4006381333931.0", "4006381333931.00", "4006381333931,0", "\u200B4006381333931\u200E",
        "\uFEFF4006381333931", "\u202A4006381333931\u202C",
        "\x1F"
        "4006381333931",
        "4-006381-333931", "4\u2011006381\u2011333931", "４００６３８１３３３９３１",
        "\u00A0"
        "4006381333931"}) {
    EXPECT_EQ(gtin(cell), "4006381333931") << cell;
  }
  EXPECT_EQ(gtin("978-0-306-40615-7"), "9780306406157");
}

TEST(GtinCells, can_have_blanks_as_they_are_printed_below_the_bars) {
  EXPECT_EQ(gtin("4 006381 333931"), "4006381333931");
  EXPECT_EQ(gtin("4\u00A0006381\u202F333931"), "4006381333931");
  EXPECT_EQ(gtin("0 36000 29145 2"), "036000291452");
  EXPECT_EQ(gtin("9638 5074"), "96385074");
  for (const auto* cell :
       {"4006381 333931", "96385074 12345", "4 006381  333931", "40 06381333931"})
    EXPECT_THAT(gtin(cell), HasSubstr("a blank")) << cell;
}

TEST(GtinCells, are_refused_with_what_is_wrong) {
  EXPECT_THAT(gtin("4.00638E+12"), HasSubstr("scientific notation"));
  EXPECT_THAT(gtin("4,00638E+12"), HasSubstr("scientific notation"));
  EXPECT_THAT(gtin(""), HasSubstr("missing"));
  EXPECT_THAT(gtin("\u200B"), HasSubstr("missing"));
  EXPECT_THAT(gtin("4006381333931x"), HasSubstr("\"x\" (U+0078)"));
  EXPECT_THAT(gtin("9771234567898 12"), HasSubstr("a blank"));
  EXPECT_THAT(gtin("-4006381333931"), HasSubstr("\"-\" (U+002D)"));
  EXPECT_THAT(gtin("4006381333931.5"), HasSubstr("\".\""));
  EXPECT_THAT(gtin("04252614"), HasSubstr("042100005264")) << "a UPC-E is not guessed";
  EXPECT_THAT(gtin("76500087100"), HasSubstr("--restore-zeros"));
  EXPECT_THAT(gtin("00000000"), HasSubstr("placeholder"));
}

std::string quantity(std::string_view cell, std::optional<DecimalMark> mark = {}) {
  const auto number = quantity_of_cell(cell, mark);
  return number ? std::to_string(*number) : number.error();
}

TEST(QuantityCells, are_whole_numbers_in_many_forms) {
  for (const auto* cell :
       {"12", "12.0", "12,0", "12.00", "12,0000", "+12", " 12 ", "012", "１２", "=\"12\"", "'12",
        "\u200B"
        "12"}) {
    EXPECT_EQ(quantity(cell), "12") << cell;
  }
  EXPECT_EQ(quantity("0"), "0");
  EXPECT_EQ(quantity("2147483647"), "2147483647");
}

TEST(QuantityCells, are_refused_when_a_number_would_be_a_guess) {
  for (const auto* cell : {"1,000", "1.000", "1.250", "1 000", "1'000", "1’000", "1\u202F000,0"}) {
    EXPECT_THAT(quantity(cell), HasSubstr("--decimal")) << cell;
  }
  EXPECT_THAT(quantity("-3"), HasSubstr(": \"-3\" is negative."));
  for (const auto* cell : {"1,000,000", "1.000.000", "12.345,0", "12,345.00", "1,234,567.0"}) {
    EXPECT_THAT(quantity(cell), HasSubstr("--decimal")) << cell;
  }
  for (const auto* cell : {"1,0,0", "5.0.0", "1,00,000", "1..000"}) {
    EXPECT_THAT(quantity(cell), HasSubstr("is not one")) << cell;
  }
  EXPECT_THAT(quantity("0.5"), HasSubstr(": \"0.5\" has decimals."));
  EXPECT_THAT(quantity("-"), HasSubstr(": \"-\" is not one."));
  for (const auto* cell : {"1e3", "12 pcs", "1 x 6", "2147483648", "99999999999999999999", "∞",
                           "NaN", "(3)", "0x10", "N/A", "-0", "--", ".", "1.", ".5", "1.0.0"}) {
    EXPECT_THAT(quantity(cell), HasSubstr("whole number")) << cell;
  }
}

TEST(QuantityCells, have_separators_of_thousands_with_a_given_decimal_mark) {
  EXPECT_EQ(quantity("1,000", DecimalMark::point), "1000");
  EXPECT_EQ(quantity("1,234,567.00", DecimalMark::point), "1234567");
  EXPECT_EQ(quantity("1.000", DecimalMark::point), "1");
  EXPECT_EQ(quantity("1.000", DecimalMark::comma), "1000");
  EXPECT_EQ(quantity("12,000", DecimalMark::comma), "12");
  for (const auto* cell : {"1 000,0", "1\u00A0000", "1\u202F000", "1'000", "1’000,00"})
    EXPECT_EQ(quantity(cell, DecimalMark::comma), "1000") << cell;
  EXPECT_EQ(quantity("1'234'567.00", DecimalMark::point), "1234567");
  EXPECT_THAT(quantity("1 00", DecimalMark::point), HasSubstr("\"1 00\" is not written"));
  for (const auto* cell : {"1,00", "1,0000", ",000", "1000,000", "1.000,000"}) {
    EXPECT_THAT(quantity(cell, DecimalMark::point), HasSubstr("--decimal")) << cell;
  }
  EXPECT_THAT(quantity("1.5", DecimalMark::point), HasSubstr("decimals"));
}

TEST(TextCells, lose_the_protection_against_formulas) {
  EXPECT_EQ(unprotected("=\"Oat milk\""), "Oat milk");
  EXPECT_EQ(unprotected("'=1+1"), "=1+1");
  EXPECT_EQ(unprotected("''=1+1"), "'=1+1") << "the first apostrophe only";
  EXPECT_EQ(unprotected("'-10 °C"), "-10 °C");
  EXPECT_EQ(unprotected("'＝1+1"), "＝1+1");
  EXPECT_EQ(unprotected("'n Broodje"), "'n Broodje");
  EXPECT_EQ(unprotected("'96 Bordeaux"), "'96 Bordeaux");
  EXPECT_EQ(unprotected(" plain "), "plain");
  EXPECT_EQ(unprotected("=\""), "=\"");
  EXPECT_EQ(unprotected("'"), "'");
}

}  // namespace
}  // namespace codasync::storage
