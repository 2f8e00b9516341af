#include "storage/import/byte_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>

#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;

// gzip of "gtin,name\n96385074,Tea\n".
constexpr auto kFirst =
    "\x1F\x8B\x08\x00\x00\x00\x00\x00\x02\x03\x4B\x2F\xC9\xCC\xD3\xC9\x4B\xCC"
    "\x4D\xE5\xB2\x34\x33\xB6\x30\x35\x30\x37\xD1\x09\x49\x4D\xE4\x02\x00\xC0"
    "\x25\x40\x34\x17\x00\x00\x00"
    ""sv;
// gzip of "036000291452,Paper\n".
constexpr auto kSecond =
    "\x1F\x8B\x08\x00\x00\x00\x00\x00\x02\x03\x33\x30\x36\x33\x30\x30\x30\xB2"
    "\x34\x34\x31\x35\xD2\x09\x48\x2C\x48\x2D\xE2\x02\x00\x1F\x6C\x2B\xC3\x13"
    "\x00\x00\x00"
    ""sv;

std::string unpacked(std::string_view packed, std::size_t piece = 4096) {
  std::istringstream in{std::string{packed}};
  StreamSource stream{in};
  GzipSource source{stream};
  std::string text;
  std::string buffer(piece, ' ');
  while (const auto count = source.read(buffer)) text += buffer.substr(0, count);
  return text;
}

TEST(GzipSource, unpacks_one_member_or_several) {
  EXPECT_EQ(unpacked(kFirst), "gtin,name\n96385074,Tea\n");
  const auto both = std::string{kFirst} + std::string{kSecond};
  EXPECT_EQ(unpacked(both), "gtin,name\n96385074,Tea\n036000291452,Paper\n");
  EXPECT_EQ(unpacked(both, 1), unpacked(both));
}

TEST(GzipSource, reports_damage_and_a_missing_end) {
  for (std::size_t size = 1; size < kFirst.size(); ++size) {
    EXPECT_THROW(unpacked(kFirst.substr(0, size)), ReadFailed) << size;
  }
  std::string damaged{kFirst};
  damaged[kFirst.size() - 6] = static_cast<char>(damaged[kFirst.size() - 6] ^ 1);  // the checksum
  EXPECT_THROW(unpacked(damaged), ReadFailed);
  EXPECT_THROW(unpacked(std::string{kFirst} + "rest"), ReadFailed);
}

TEST(GzipSource, is_recognised_by_the_import) {
  test::Collected<ProductRow> products;
  ASSERT_TRUE(test::import_text(std::string{kFirst} + std::string{kSecond}, {}, products));
  EXPECT_EQ(products.rows().size(), 2U);
  EXPECT_TRUE(products.plan->compressed);
  const auto cut = test::import_text(std::string{kFirst.substr(0, 30)}, {}, products);
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().reason, HasSubstr("not complete"));
}

}  // namespace
}  // namespace codasync::storage
