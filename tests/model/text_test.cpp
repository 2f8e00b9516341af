#include "storage/model/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace codasync {
namespace {

using namespace std::string_literals;

TEST(Names, may_be_any_text_of_any_script) {
  for (const auto& text :
       {"Tea"s, "Огурцы маринованные"s, "U100牌石头型糖果"s, "مربى"s, "🍓 jam"s,
        "\"<<Beef>>\" & +bon"s, "1936"s, "null"s, "tu\u031Bo\u031Bng ca\u0300"s, "R\uFFFDhrchen"s,
        "a\u00A0b"s, "\u200B x"s, "\U0010FFFF"s, "\uD7FF\uE000"s}) {
    EXPECT_EQ(refuse_name(text), std::nullopt) << text;
  }
}

TEST(Names, are_not_empty_and_not_only_white_space) {
  for (const auto& text : {""s, " "s, "   "s, "\u00A0\u3000\u2003"s, "\u2028\u202F"s}) {
    EXPECT_EQ(refuse_name(text), TextRefusal::empty) << '"' << text << '"';
  }
}

TEST(Names, are_valid_utf8) {
  for (const auto& text : {
           "caf\xE9"s,               // Latin-1
           "a\x80"s,                 // a continuation without a start
           "\xC3"s,                  // cut off
           "\xE2\x82"s,              //
           "\xF0\x9F\x8D"s,          //
           "\xC3(x"s,                // a start without its continuation
           "\xC0\xAF"s,              // overlong
           "\xC1\xBF"s,              //
           "\xE0\x9F\xBF"s,          //
           "\xF0\x8F\xBF\xBF"s,      //
           "\xED\xA0\x80"s,          // surrogates
           "\xED\xBF\xBF"s,          //
           "\xF4\x90\x80\x80"s,      // beyond Unicode
           "\xF5\x80\x80\x80"s,      //
           "\xF8\x88\x80\x80\x80"s,  //
           "\xFF\xFE"s,              //
       }) {
    EXPECT_EQ(refuse_name(text), TextRefusal::not_utf8);
  }
}

TEST(Names, have_no_control_characters) {
  for (const auto& text : {"a\0b"s, "a\tb"s, "a\nb"s, "a\x1F"s, "\x7F"s, "a\u0080"s, "a\u0085"s,
                           "a\u009F"s, "\u001B[31m"s}) {
    EXPECT_EQ(refuse_name(text), TextRefusal::control_character);
  }
  EXPECT_EQ(refuse_name("\u00A1"), std::nullopt);
}

TEST(Names, are_measured_in_code_points) {
  std::string strawberries;
  for (int i = 0; i < 255; ++i) strawberries += "🍓";
  EXPECT_EQ(refuse_name(strawberries), std::nullopt);
  EXPECT_EQ(refuse_name(strawberries + "!"), TextRefusal::too_long);
  EXPECT_EQ(refuse_name("abc", 3), std::nullopt);
  EXPECT_EQ(refuse_name("abcd", 3), TextRefusal::too_long);
}

TEST(Names, every_refusal_has_a_sentence) {
  for (const auto refusal : {TextRefusal::empty, TextRefusal::too_long, TextRefusal::not_utf8,
                             TextRefusal::control_character}) {
    EXPECT_FALSE(explain(refusal).empty());
  }
}

TEST(Names, of_a_stranger_can_be_shown_to_him) {
  EXPECT_EQ(showable("Käse", 10), "Käse");
  EXPECT_EQ(showable("ääää", 2), "ää") << "characters, not bytes";
  EXPECT_EQ(showable("a\xE9z\xF0\x9F", 10), "a\uFFFDz\uFFFD\uFFFD");
  EXPECT_EQ(showable("\xED\xB0\x80", 10), "\uFFFD\uFFFD\uFFFD") << "a lone surrogate";
  EXPECT_EQ(showable("", 10), "");
}

TEST(Names, white_space_collapses_to_single_blanks) {
  EXPECT_EQ(collapse_white_space(""), "");
  EXPECT_EQ(collapse_white_space(" \t\r\n "), "");
  EXPECT_EQ(collapse_white_space("Green tea"), "Green tea");
  EXPECT_EQ(collapse_white_space("  Green \t\n tea\u00A0\u3000leaves\r\n"), "Green tea leaves");
  EXPECT_EQ(collapse_white_space("Green\ttea"), "Green tea");
  EXPECT_EQ(collapse_white_space("«\u00A0luxe\u00A0»"), "«\u00A0luxe\u00A0»")
      << "no-break spaces are wanted there";
  EXPECT_EQ(collapse_white_space("a\u200Bb"), "a\u200Bb") << "zero width is no white space";
  EXPECT_EQ(collapse_white_space(" caf\xE9  x "), "caf\xE9 x");
}

}  // namespace
}  // namespace codasync
