#include "storage/model/gtin.hpp"

#include <gtest/gtest.h>

#include <string>
#include <unordered_set>

namespace codasync {
namespace {

Gtin gtin_of(std::string_view text) {
  const auto gtin = Gtin::parse(text);
  EXPECT_TRUE(gtin) << text;
  return gtin ? *gtin : Gtin::from_number(-1);
}

TEST(Gtin, accepts_the_four_lengths_with_a_correct_check_digit) {
  for (const auto* text : {"40170725", "96385074", "614141000036", "036000291452", "4006381333931",
                           "9521234543213", "10614141000415", "79357348151001"}) {
    EXPECT_TRUE(Gtin::parse(text)) << text;
  }
}

TEST(Gtin, gives_the_reason_for_an_invalid_text) {
  struct Case {
    const char* text;
    GtinRefusal refusal;
  };
  for (const auto& [text, refusal] : {
           Case{"", GtinRefusal::wrong_length},
           Case{"5", GtinRefusal::wrong_length},
           Case{"7592530090", GtinRefusal::wrong_length},
           Case{"36000291452", GtinRefusal::wrong_length},  // lost its zero; not guessed
           Case{"0103255790005149151908281028081892", GtinRefusal::wrong_length},
           Case{"96385075", GtinRefusal::wrong_check_digit},
           Case{"030003407123", GtinRefusal::wrong_check_digit},
           Case{"2000007311953", GtinRefusal::wrong_check_digit},
           Case{"54115907000249", GtinRefusal::wrong_check_digit},
           Case{"400638133393l", GtinRefusal::not_digits},
           Case{" 4006381333931", GtinRefusal::not_digits},
           Case{"4006381333931 ", GtinRefusal::not_digits},
           Case{"4006-38133393", GtinRefusal::not_digits},
           Case{"-6385074", GtinRefusal::not_digits},
           Case{"４００６３８１３３３９３１", GtinRefusal::not_digits},
           Case{"8,02E+12", GtinRefusal::scientific_notation},
           Case{"8.02E+12", GtinRefusal::scientific_notation},
           Case{"5,90095E+12", GtinRefusal::scientific_notation},
           Case{"8E12", GtinRefusal::scientific_notation},
           Case{"8.02e12", GtinRefusal::scientific_notation},
           Case{"8.0.2E+12", GtinRefusal::not_digits},
           Case{"E12", GtinRefusal::not_digits},
           Case{"8E", GtinRefusal::not_digits},
           Case{"00000000", GtinRefusal::all_zeros},
           Case{"000000000000", GtinRefusal::all_zeros},
           Case{"0000000000000", GtinRefusal::all_zeros},
           Case{"00000000000000", GtinRefusal::all_zeros},
           Case{"000000000", GtinRefusal::wrong_length},
           Case{"8E+", GtinRefusal::not_digits},
           Case{".8E+12", GtinRefusal::not_digits},
       }) {
    const auto parsed = Gtin::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), refusal) << text;
    EXPECT_FALSE(explain(parsed.error()).empty());
  }
}

TEST(Gtin, of_upc_e_has_the_zeros_again_that_were_left_out) {
  EXPECT_EQ(Gtin::parse_upc_e("01234558")->canonical(), "012345000058");
  EXPECT_EQ(Gtin::parse_upc_e("0123455x").error(), GtinRefusal::not_digits);
  for (const auto* text : {"21234558", "0123455", "012345580", ""}) {
    EXPECT_EQ(Gtin::parse_upc_e(text).error(), GtinRefusal::wrong_length) << text;
  }
}

TEST(Gtin, any_other_check_digit_and_any_mistyped_digit_is_refused) {
  const std::string good = "4006381333931";
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (char digit = '0'; digit <= '9'; ++digit) {
      auto text = good;
      text[i] = digit;
      EXPECT_EQ(static_cast<bool>(Gtin::parse(text)), digit == good[i]) << text;
    }
  }
}

TEST(Gtin, all_forms_of_one_number_are_one_product) {
  for (const auto* text : {"000096385074", "0000096385074", "00000096385074"}) {
    EXPECT_EQ(gtin_of(text), gtin_of("96385074")) << text;
  }
  EXPECT_EQ(gtin_of("0036000291452"), gtin_of("036000291452"));
  EXPECT_EQ(gtin_of("00036000291452"), gtin_of("036000291452"));
  EXPECT_NE(gtin_of("10614141000415"), gtin_of("614141000418"));
  EXPECT_EQ((std::unordered_set{gtin_of("0036000291452"), gtin_of("036000291452")}.size()), 1U);
}

TEST(Gtin, canonical_form_has_the_shortest_possible_length) {
  struct Case {
    const char* text;
    const char* canonical;
  };
  for (const auto& [text, canonical] : {
           Case{"00000096385074", "96385074"},
           Case{"00000000751391", "00751391"},
           Case{"00036000291452", "036000291452"},
           Case{"0088100001172", "088100001172"},
           Case{"04006381333931", "4006381333931"},
           Case{"79357348151001", "79357348151001"},
       }) {
    const auto gtin = gtin_of(text);
    EXPECT_EQ(gtin.canonical(), canonical);
    EXPECT_EQ(gtin_of(gtin.canonical()), gtin);
    EXPECT_EQ(Gtin::from_number(gtin.number()), gtin);
  }
}

TEST(Gtin, is_restricted_for_numbers_of_restricted_circulation_only) {
  for (const auto* text : {"2671328008153", "2054711700351", "2870735057666", "0240531018376",
                           "240531018376", "0400000000008", "20842895", "00751391"}) {
    EXPECT_TRUE(gtin_of(text).restricted()) << text;
  }
  for (const auto* text :
       {"4006381333931", "4607012272683", "4897043061138", "3760152550040", "036000291452",
        "9521234543213", "96385074", "40170725", "79357348151001"}) {
    EXPECT_FALSE(gtin_of(text).restricted()) << text;
  }
}

}  // namespace
}  // namespace codasync
