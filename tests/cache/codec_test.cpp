#include "cache/codec.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

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

ReadingRow a_reading() {
  const Instant start{std::chrono::microseconds{1'764'000'000'123'456}};
  return {.id = ReadingId{9},
          .shop = ShopId{3},
          .gtin = Gtin::from_number(4006381333931),
          .date = ShelfDate{std::chrono::year{2026} / 12 / 24, DateKind::best_before},
          .quantity = 12,
          .version = 5,
          .observed_at = start,
          .updated_at = start + std::chrono::seconds{1},
          .checked_at = start + std::chrono::seconds{2},
          .counted_at = start + std::chrono::seconds{3},
          .expired = false,
          .expires_at = start + std::chrono::hours{4}};
}

bool same(const ReadingRow& a, const ReadingRow& b) {
  const bool same_date =
      a.date.has_value() == b.date.has_value() &&
      (!a.date || (a.date->date == b.date->date && a.date->kind == b.date->kind));
  return same_date && a.id == b.id && a.shop == b.shop && a.gtin == b.gtin &&
         a.quantity == b.quantity && a.version == b.version && a.observed_at == b.observed_at &&
         a.updated_at == b.updated_at && a.checked_at == b.checked_at &&
         a.counted_at == b.counted_at && a.expired == b.expired && a.expires_at == b.expires_at;
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

TEST(Codec, decodes_every_reading_that_it_encoded) {
  auto reading = a_reading();
  EXPECT_TRUE(same(decode_reading(encode(reading)).value(), reading));
  for (const auto kind : {std::optional<DateKind>{}, std::optional{DateKind::use_by},
                          std::optional{DateKind::sell_by}, std::optional{DateKind::best_before}}) {
    reading.date->kind = kind;
    reading.expired = !reading.expired;
    EXPECT_TRUE(same(decode_reading(encode(reading)).value(), reading));
  }
  reading.date.reset();
  reading.quantity = 0;
  reading.checked_at.reset();
  reading.expires_at.reset();
  EXPECT_TRUE(same(decode_reading(encode(reading)).value(), reading));
  reading.quantity.reset();
  reading.counted_at.reset();
  EXPECT_TRUE(same(decode_reading(encode(reading)).value(), reading));
}

TEST(Codec, distinguishes_no_reading_by_its_shop_and_product) {
  const auto reading = a_reading();
  const auto none = encode_no_reading(reading.shop, reading.gtin);
  EXPECT_TRUE(is_no_reading(none, reading.shop, reading.gtin));
  EXPECT_FALSE(is_no_reading(none, ShopId{4}, reading.gtin));
  EXPECT_FALSE(is_no_reading(none, reading.shop, Gtin::from_number(96385074)));
  EXPECT_FALSE(is_no_reading(encode(reading), reading.shop, reading.gtin));
  EXPECT_FALSE(decode_reading(none));
}

// Memcached checks nothing: any client of it can store well-formed bytes.
TEST(Codec, refuses_times_and_dates_that_cannot_be_written) {
  auto reading = a_reading();
  reading.updated_at = Instant::max();
  EXPECT_FALSE(decode_reading(encode(reading)));
  reading = a_reading();
  reading.observed_at = Instant::max();
  EXPECT_FALSE(decode_reading(encode(reading)));
  reading = a_reading();
  reading.counted_at = Instant::max();
  EXPECT_FALSE(decode_reading(encode(reading)));
  reading = a_reading();
  reading.checked_at = Instant::min();
  EXPECT_FALSE(decode_reading(encode(reading)));
  reading = a_reading();
  reading.expires_at = Instant::max();
  EXPECT_FALSE(decode_reading(encode(reading)));
  reading = a_reading();
  reading.date->date = std::chrono::year{12000} / 1 / 1;
  EXPECT_FALSE(decode_reading(encode(reading)));
  auto product = a_product();
  product.updated_at = Instant::max();
  EXPECT_FALSE(decode_product(encode(product)));
  auto shop = a_shop();
  shop.updated_at = Instant::min();
  EXPECT_FALSE(decode_shop(encode(shop)));
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
  EXPECT_FALSE(decode_reading(encode(a_product())));
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
  const std::string reading = encode(a_reading());
  for (std::size_t size = 0; size < reading.size(); ++size) {
    EXPECT_FALSE(decode_reading(std::string_view{reading}.substr(0, size))) << size;
  }
}

TEST(Codec, refuses_a_row_with_a_changed_bit) {
  const std::string whole = encode(a_product());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_product(damaged)) << bit;
  }
  const std::string reading = encode(a_reading());
  for (std::size_t bit = 0; bit < reading.size() * 8; ++bit) {
    std::string damaged = reading;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_reading(damaged)) << bit;
  }
}

/// Returns: an entry of this kind with a correct checksum.
std::string sealed(char kind, const std::string& body) {
  const auto crc =
      ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  std::string entry{kind, kind == 'R' ? '\x02' : '\x01'};
  for (int shift = 24; shift >= 0; shift -= 8) entry.push_back(static_cast<char>(crc >> shift));
  return entry + body;
}

// encode() writes one text for each row. Any client of Memcached can store others.
TEST(Codec, refuses_other_texts_of_the_same_row) {
  constexpr std::size_t kHead = 6;
  const auto product = encode(a_product()).substr(kHead);
  const auto reading = encode(a_reading()).substr(kHead);
  ASSERT_TRUE(decode_product(sealed('P', product)));
  ASSERT_TRUE(decode_reading(sealed('R', reading)));
  // Each byte but that of the endianness: a flag of 0 or 1 gets another value.
  const auto check = [](char kind, const std::string& body, const auto& decode) {
    std::size_t refused = 0;
    for (std::size_t at = 1; at < body.size(); ++at) {
      auto other = body;
      other[at] = static_cast<char>(other[at] + 2);
      const auto row = decode(sealed(kind, other));
      refused += row ? 0U : 1U;
      EXPECT_TRUE(!row || encode(*row) == sealed(kind, other)) << kind << ", byte " << at;
    }
    return refused;
  };
  EXPECT_GE(check('R', reading, &decode_reading), 4U) << "three optional numbers, and `expired`";
  EXPECT_GE(check('P', product, &decode_product), 2U) << "two optional texts";
  auto big_endian = std::string{'\0'} + std::string{"\0\0\0\0\0\0\0\x01", 8} +
                    std::string{"\0\0\0\0\0\0\0\x05", 8};
  EXPECT_FALSE(is_no_reading(sealed('N', big_endian), ShopId{1}, Gtin::from_number(5)));
}

TEST(Codec, refuses_numbers_that_no_product_has) {
  constexpr std::size_t kHead = 6;
  for (const char highest_byte : {'\x7f', '\xff'}) {  // too large, negative
    auto product = encode(a_product()).substr(kHead);
    product[8] = highest_byte;  // the GTIN is the first number
    EXPECT_FALSE(decode_product(sealed('P', product)));
    auto reading = encode(a_reading()).substr(kHead);
    reading[16] = highest_byte;  // after the shop
    EXPECT_FALSE(decode_reading(sealed('R', reading)));
  }
}

TEST(Codec, accepts_any_bytes_without_an_exception) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 80, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    static const std::string kKinds{"PSRN"};
    if (bytes.size() > 1 && round % 2 == 0)
      bytes.replace(0, 2, std::string{kKinds[static_cast<std::size_t>(round) / 2 % 4], '\x01'});
    EXPECT_FALSE(decode_product(bytes));
    EXPECT_FALSE(decode_shop(bytes));
    EXPECT_FALSE(decode_reading(bytes));
    EXPECT_FALSE(is_no_reading(bytes, ShopId{1}, Gtin::from_number(1)));
  }
}

}  // namespace
}  // namespace codasync::cache
