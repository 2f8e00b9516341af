#include "cache/codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace codasync::cache {
namespace {

Product a_product() {
  return {.gtin = Gtin::from_number(4006381333931),
          .name = "Pencil, \xe2\x82\xac" + std::string(1, '\0') + " and more",
          .brand = "Stabilo",
          .category = std::nullopt,
          .version = 7,
          .updated_at = Instant{std::chrono::microseconds{1'764'000'000'123'456}}};
}

Shop a_shop() {
  return {ShopId{3}, "North", "Europe/Berlin", 2,
          Instant{std::chrono::microseconds{1'764'000'000'123'456}}};
}

bool same(const Product& a, const Product& b) {
  return a.gtin == b.gtin && a.name == b.name && a.brand == b.brand && a.category == b.category &&
         a.version == b.version && a.updated_at == b.updated_at;
}

TEST(Codec, decodes_what_it_encoded) {
  EXPECT_TRUE(same(decode_product(encode(a_product())).value(), a_product()));
  Product bare = a_product();
  bare.brand.reset();
  bare.category = "";
  EXPECT_TRUE(same(decode_product(encode(bare)).value(), bare));

  const Shop shop = decode_shop(encode(a_shop())).value();
  EXPECT_EQ(shop.id, ShopId{3});
  EXPECT_EQ(shop.name, "North");
  EXPECT_EQ(shop.time_zone, "Europe/Berlin");
  EXPECT_EQ(shop.version, 2);
  EXPECT_EQ(shop.updated_at, a_shop().updated_at);
}

TEST(Codec, writes_the_same_bytes_in_every_release) {
  const std::string expected{
      "S\x01"
      "\x71\xc0\x00\x08"
      "\x01"
      "\x03\0\0\0\0\0\0\0"
      "\x05\0North"
      "\x0d\0Europe/Berlin"
      "\x02\0\0\0\0\0\0\0"
      "\x40\x22\x64\x41\x59\x44\x06\x00",
      53};
  EXPECT_EQ(encode(a_shop()), expected) << ::testing::PrintToString(encode(a_shop()));
}

TEST(Codec, refuses_a_row_of_another_kind_or_version) {
  EXPECT_FALSE(decode_shop(encode(a_product())));
  EXPECT_FALSE(decode_product(encode(a_shop())));
  std::string newer = encode(a_product());
  newer[1] = 2;
  EXPECT_FALSE(decode_product(newer));
}

TEST(Codec, refuses_a_row_that_is_too_short_or_too_long) {
  const std::string whole = encode(a_product());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_product(std::string_view{whole}.substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_product(whole + '\0'));
}

TEST(Codec, refuses_a_row_with_a_changed_bit) {
  const std::string whole = encode(a_product());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_product(damaged)) << bit;
  }
}

TEST(Codec, accepts_any_bytes_without_an_exception) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 80, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (bytes.size() > 1 && round % 2 == 0) bytes.replace(0, 2, round % 4 == 0 ? "P\x01" : "S\x01");
    EXPECT_FALSE(decode_product(bytes));
    EXPECT_FALSE(decode_shop(bytes));
  }
}

}  // namespace
}  // namespace codasync::cache
