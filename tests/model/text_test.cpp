#include "storage/model/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace codasync {
namespace {

using namespace std::string_literals;

TEST(Names, can_be_texts_of_any_script) {
  for (const auto& text :
       {"Tea"s, "Огурцы маринованные"s, "U100牌石头型糖果"s, "مربى"s, "🍓 jam"s,
        "\"<<Beef>>\" & +bon"s, "1936"s, "null"s, "tu\u031Bo\u031Bng ca\u0300"s, "R\uFFFDhrchen"s,
        "a\u00A0b"s, "\u200B x"s, "\U0010FFFF"s, "\uD7FF\uE000"s}) {
    EXPECT_EQ(refuse_name(text), std::nullopt) << text;
  }
}

TEST(Names, require_a_visible_character) {
  for (const auto& text :
       {""s, " "s, "   "s, "\u00A0\u3000\u2003"s,
        // Format characters and fillers.
        "\u200B"s, "\u200C"s, "\u200D"s, "\u200E"s, "\u200F"s, "\u061C"s, "\u2060"s, "\u2064"s,
        "\uFEFF"s, "\u00AD"s, "\u034F"s, "\u180E"s, "\u115F"s, "\u1160"s, "\u3164"s, "\uFFA0"s,
        "\u2800"s, "\uFFF9"s, "\U000E0001"s, "\U000E0041"s,
        // Variation selectors.
        "\uFE00"s, "\uFE0F"s, "\U000E0100"s, "\U000E01EF"s, "\u180B"s,
        // Combining marks: Latin, Hebrew, Arabic, Devanagari, Thai, symbols, musical notation.
        "\u0301"s, "\u036F"s, "\u05B0"s, "\u064B"s, "\u093C"s, "\u0E31"s, "\u1AB0"s, "\u1DC0"s,
        "\u20DD"s, "\uFE20"s, "\U0001D167"s, "\u0301\u0302"s,
        // Several together.
        " \u200B\u00AD\u0301 \uFE0F"s}) {
    EXPECT_EQ(refuse_name(text), TextRefusal::empty) << '"' << text << '"';
    EXPECT_EQ(refuse_name(text + "x"), std::nullopt) << '"' << text << '"';
    EXPECT_EQ(refuse_name("x" + text), std::nullopt) << '"' << text << '"';
  }
}

TEST(Names, can_have_a_single_visible_character) {
  for (const auto& text :
       {"a"s, "1"s, "!"s, "ñ"s, "é"s, "א"s, "ع"s, "क"s, "ก"s, "茶"s, "🍓"s, "\u00A1"s, "\u2020"s,
        "\uFF01"s, "\uFFFD"s, "\u0903"s, "\U0001F3F4"s, "\uE000"s}) {
    EXPECT_EQ(refuse_name(text), std::nullopt) << text;
  }
}

TEST(Names, require_valid_utf8) {
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

TEST(Names, cannot_have_control_characters) {
  for (const auto& text : {"a\0b"s, "a\tb"s, "a\nb"s, "a\x1F"s, "\x7F"s, "a\u0080"s, "a\u0085"s,
                           "a\u009F"s, "\u001B[31m"s}) {
    EXPECT_EQ(refuse_name(text), TextRefusal::control_character);
  }
}

TEST(Names, cannot_have_characters_that_reorder_or_break_the_line) {
  for (const auto& character : {"\u202A"s, "\u202B"s, "\u202C"s, "\u202D"s, "\u202E"s, "\u2066"s,
                                "\u2067"s, "\u2068"s, "\u2069"s, "\u2028"s, "\u2029"s}) {
    for (const auto& text : {character, "a" + character, character + "a", "a" + character + "b"})
      EXPECT_EQ(refuse_name(text), TextRefusal::control_character) << text;
  }
  EXPECT_EQ(refuse_name("a\u200Eb\u200Fc"), std::nullopt) << "directional marks are allowed";
}

TEST(Names, are_measured_in_code_points) {
  std::string strawberries;
  for (int i = 0; i < 255; ++i) strawberries += "🍓";
  EXPECT_EQ(refuse_name(strawberries), std::nullopt);
  EXPECT_EQ(refuse_name(strawberries + "!"), TextRefusal::too_long);
  EXPECT_EQ(refuse_name("abc", 3), std::nullopt);
  EXPECT_EQ(refuse_name("abcd", 3), TextRefusal::too_long);
}

TEST(Names, are_refused_with_the_limit_and_the_character) {
  EXPECT_EQ(explain(*refuse_name(" ")), "At least one visible character is required.");
  EXPECT_EQ(explain(*refuse_name(std::string(256, 'x'))), "At most 255 characters are allowed.");
  EXPECT_EQ(explain(*refuse_name("abcd", 3)), "At most 3 characters are allowed.");
  EXPECT_EQ(explain(*refuse_name("caf\xE9")), "This is not valid UTF-8.");
  EXPECT_EQ(explain(*refuse_name("a\x07")), "The control character U+0007 is not allowed.");
  EXPECT_EQ(explain(*refuse_name("a\0"s)), "The control character U+0000 is not allowed.");
  EXPECT_EQ(explain(*refuse_name("a\u202Eb")), "The control character U+202E is not allowed.");
}

TEST(Names, lose_white_space_and_zero_width_spaces_at_their_ends) {
  EXPECT_EQ(trim("Milk"), "Milk");
  for (const auto& space : {" "s, "  "s, "\t"s, "\r\n"s, "\u00A0"s, "\u3000"s, "\u2028"s, "\u200B"s,
                            "\u2060"s, "\uFEFF"s, " \u200B "s}) {
    EXPECT_EQ(trim(space + "Whole milk"), "Whole milk");
    EXPECT_EQ(trim("Whole milk" + space), "Whole milk");
    EXPECT_EQ(trim(space), "");
  }
  EXPECT_EQ(trim("a \u200B  b"), "a \u200B  b") << "inside a name it can be intended";
  EXPECT_EQ(trim(" caf\xE9 "), "caf\xE9");
  EXPECT_EQ(trim("\xE9"), "\xE9");
  EXPECT_EQ(trim(""), "");
}

TEST(Names, from_a_request_become_valid_utf8_for_a_response) {
  EXPECT_EQ(to_valid_utf8("Käse", 10), "Käse");
  EXPECT_EQ(to_valid_utf8("ääää", 2), "ää") << "characters, not bytes";
  EXPECT_EQ(to_valid_utf8("a\xE9z\xF0\x9F", 10), "a\uFFFDz\uFFFD\uFFFD");
  EXPECT_EQ(to_valid_utf8("\xED\xB0\x80", 10), "\uFFFD\uFFFD\uFFFD") << "a lone surrogate";
  EXPECT_EQ(to_valid_utf8("", 10), "");
}

TEST(Texts, have_words_between_white_space_of_any_kind) {
  const std::vector<std::string> words{"Green", "tea"};
  EXPECT_EQ(words_of("Green tea"), words);
  EXPECT_EQ(words_of("  Green \t\u00A0\u3000tea\n"), words);
  EXPECT_EQ(words_of("caf\xE9 x"), (std::vector{"caf\xE9"s, "x"s}));
  EXPECT_TRUE(words_of(" \u3000").empty());
  EXPECT_TRUE(words_of("").empty());
}

TEST(Names, white_space_collapses_to_single_blanks) {
  EXPECT_EQ(collapse_white_space(""), "");
  EXPECT_EQ(collapse_white_space(" \t\r\n "), "");
  EXPECT_EQ(collapse_white_space("Green tea"), "Green tea");
  EXPECT_EQ(collapse_white_space("  Green \t\n tea\u00A0\u3000leaves\r\n"), "Green tea leaves");
  EXPECT_EQ(collapse_white_space("Green\ttea"), "Green tea");
  EXPECT_EQ(collapse_white_space("«\u00A0luxe\u00A0»"), "«\u00A0luxe\u00A0»")
      << "no-break spaces are intended there";
  EXPECT_EQ(collapse_white_space("\uFEFF a\u2028b\u200B "), "a b");
  EXPECT_EQ(collapse_white_space("a\u200Bb"), "a\u200Bb")
      << "a zero-width space is not white space";
  EXPECT_EQ(collapse_white_space(" caf\xE9  x "), "caf\xE9 x");
}

}  // namespace
}  // namespace codasync
