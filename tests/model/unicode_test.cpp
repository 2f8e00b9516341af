#include "storage/model/unicode.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <ios>
#include <set>

namespace codasync {
namespace {

TEST(WhiteSpace, is_that_of_unicode) {
  std::set<char32_t> expected{' ', 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
  for (char32_t c = '\t'; c <= '\r'; ++c) expected.insert(c);
  for (char32_t c = 0x2000; c <= 0x200A; ++c) expected.insert(c);
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (is_white_space(c) != expected.contains(c))
      ADD_FAILURE() << "U+" << std::hex << std::uint32_t{c};
  }
}

TEST(ControlCharacters, are_those_that_break_or_reorder_a_line) {
  for (const char32_t c : std::initializer_list<char32_t>{0x00, 0x1F, 0x7F, 0x80, 0x9F, 0x2028,
                                                          0x2029, 0x202A, 0x202E, 0x2066, 0x2069}) {
    EXPECT_TRUE(is_control(c)) << std::hex << std::uint32_t{c};
    EXPECT_FALSE(is_visible(c)) << std::hex << std::uint32_t{c};
  }
  for (const char32_t c :
       std::initializer_list<char32_t>{0x20, 0x7E, 0xA0, 0x2027, 0x202F, 0x2065, 0x206A, 0x10FFFF})
    EXPECT_FALSE(is_control(c)) << std::hex << std::uint32_t{c};
}

TEST(ZeroWidthSpaces, are_three) {
  for (const char32_t c : std::initializer_list<char32_t>{0x200B, 0x2060, 0xFEFF})
    EXPECT_TRUE(is_zero_width_space(c)) << std::hex << std::uint32_t{c};
  for (const char32_t c : std::initializer_list<char32_t>{0x20, 0x200A, 0x200C, 0x2061, 0xFEFE})
    EXPECT_FALSE(is_zero_width_space(c)) << std::hex << std::uint32_t{c};
}

}  // namespace
}  // namespace codasync
