#include "storage/import/utf8_source.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using namespace std::string_literals;

std::string decoded(const std::string& bytes, const FileEncoding& encoding = {}) {
  std::istringstream in{bytes};
  StreamSource stream{in};
  Utf8Source source{stream, encoding};
  std::string text;
  for (auto piece = source.next(); !piece.empty(); piece = source.next()) text += piece;
  EXPECT_EQ(stream.bytes_read(), bytes.size());
  return text;
}

std::string utf16(const std::u16string& text, bool big_endian) {
  std::string bytes;
  for (const char16_t unit : text) {
    const auto low = static_cast<char>(unit & 0xFF);
    const auto high = static_cast<char>(unit >> 8);
    bytes += big_endian ? std::string{high, low} : std::string{low, high};
  }
  return bytes;
}

TEST(Utf8Source, passes_utf8_unchanged_without_its_byte_order_mark) {
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("gtin;Käse 🧀"), "gtin;Käse 🧀");
  EXPECT_EQ(decoded("\xEF\xBB\xBFgtin"), "gtin");
  EXPECT_EQ(decoded("\xEF\xBB\xBF"), "");
  EXPECT_EQ(decoded("caf\xE9"), "caf\xE9");
}

TEST(Utf8Source, decodes_utf16_of_either_order_with_and_without_a_mark) {
  const auto text = u"code;Käse 🧀 ₂ огурцы"s;
  for (const bool big_endian : {false, true}) {
    EXPECT_EQ(decoded(utf16(u"\uFEFF" + text, big_endian)), "code;Käse 🧀 ₂ огурцы");
    EXPECT_EQ(decoded(utf16(text, big_endian)), "code;Käse 🧀 ₂ огурцы");
    EXPECT_EQ(decoded(utf16(u"\uFEFF", big_endian)), "");
  }
}

TEST(Utf8Source, removes_two_marks_but_no_third) {
  EXPECT_EQ(decoded("\xEF\xBB\xBF\xEF\xBB\xBFgtin"), "gtin");
  EXPECT_EQ(decoded("\xEF\xBB\xBF\xEF\xBB\xBF\xEF\xBB\xBFgtin"), "\xEF\xBB\xBFgtin");
  EXPECT_EQ(decoded(utf16(u"\uFEFF\uFEFFgtin", false)), "gtin");
}

TEST(Utf8Source, decodes_one_byte_for_each_character_on_request) {
  EXPECT_EQ(decoded("K\xE4se \x80 \x9C\xBD", *parse_file_encoding("Windows-1252")), "Käse € œ½");
  EXPECT_EQ(decoded("K\xE4se \xA4 \xBD", *parse_file_encoding("ISO_8859-15")), "Käse € œ");
  EXPECT_EQ(decoded("\xB3\x9C", *parse_file_encoding("windows-1250")), "łś");
  EXPECT_EQ(refuse_name(decoded("x\x81", *parse_file_encoding("cp1252"))), TextRefusal::not_utf8)
      << "this byte has no character";
  EXPECT_FALSE(parse_file_encoding("utf-7"));
}

TEST(Utf8Source, decodes_characters_across_pieces) {
  for (const std::size_t before : {32'765U, 32'766U, 32'767U, 32'768U}) {
    const std::u16string padding(before, u'x');
    EXPECT_EQ(decoded(utf16(u"\uFEFF" + padding + u"🧀Ä", false)),
              std::string(before, 'x') + "🧀Ä");
  }
}

TEST(Utf8Source, invalid_utf16_is_not_a_valid_name) {
  for (const auto& text :
       {u"gtin\xD800"s, u"gtin\xD800x"s, u"gtin\xDC00x"s, u"gtin\xDBFF\xDBFF"s}) {
    EXPECT_EQ(refuse_name(decoded(utf16(text, false))), TextRefusal::not_utf8);
  }
  EXPECT_EQ(refuse_name(decoded(utf16(u"gtin", false) + "x")), TextRefusal::not_utf8);
}

TEST(Utf8Source, reports_a_failed_stream) {
  std::istringstream in{"gtin"};
  StreamSource stream{in};
  Utf8Source source{stream};
  EXPECT_EQ(source.next(), "gtin");
  in.setstate(std::ios::badbit);
  EXPECT_THROW(source.next(), ReadFailed);
}

}  // namespace
}  // namespace codasync::storage
