#include "storage/model/encoding.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace codasync {
namespace {

TEST(Hex, has_two_lower_case_digits_for_each_byte) {
  EXPECT_EQ(to_hex({}), "");
  EXPECT_EQ(to_hex(std::array<std::uint8_t, 3>{0x00, 0x9f, 0xff}), "009fff");
}

// RFC 4648, section 10, without padding, and the two characters that base64url replaces.
constexpr std::pair<std::string_view, std::string_view> kExamples[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF", "-_8"}};

TEST(Base64Url, is_that_of_rfc_4648_in_both_directions) {
  for (const auto& [bytes, text] : kExamples) {
    EXPECT_EQ(to_base64url(bytes), text);
    EXPECT_EQ(from_base64url(text), bytes);
  }
}

TEST(Base64Url, has_one_text_for_the_same_bytes) {
  for (const auto* text : {"Z", "Zh", "Zm9", "Zm9vY", "Zg==", "+_8", "Zg ", "Z\ng"})
    EXPECT_EQ(from_base64url(text), std::nullopt) << text;
}

}  // namespace
}  // namespace codasync
