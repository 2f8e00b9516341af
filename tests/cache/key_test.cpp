#include "cache/key.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace codasync::cache {
namespace {

const Gtin kPencil = Gtin::from_number(4006381333931);
const Gtin kShort = Gtin::from_number(96385074);

TEST(Key, of_a_response_is_the_prefix_and_the_canonical_uri) {
  EXPECT_EQ(product_response(kPencil).text, "coda1:/api/v1/products/4006381333931");
  EXPECT_EQ(product_stock_response(kPencil).text, "coda1:/api/v1/products/4006381333931/stock");
  EXPECT_EQ(shop_response(ShopId{7}).text, "coda1:/api/v1/shops/7");
  EXPECT_EQ(shop_stock_response(ShopId{7}, kShort).text, "coda1:/api/v1/shops/7/stock/96385074");
  EXPECT_EQ(reading_response(ReadingId{42}).text, "coda1:/api/v1/stock-readings/42");
}

// 0xcbf43926 mod 8192, the check value of CRC-32.
TEST(Key, of_a_list_is_one_of_a_fixed_number_of_places) {
  EXPECT_EQ(list_place("123456789").text, "list2:6438");
  std::set<std::string> places;
  for (int shop = 0; shop < 200'000; ++shop)
    places.insert(list_place("/api/v1/stock-readings?shop=" + std::to_string(shop)).text);
  EXPECT_EQ(places.size(), kListPlaces);
}

TEST(Key, of_the_longest_ids_is_short_enough_for_memcached) {
  const ShopId shop{INT64_MAX};
  const Gtin gtin = Gtin::from_number(99'999'999'999'997);
  EXPECT_LE(shop_stock_response(shop, gtin).text.size(), 250U);
}

struct SlotCase {
  const char* key;
  std::size_t of_three;
  std::size_t of_seven;
};

// Computed by `hash $key` of Nginx 1.22: ((crc32(key) >> 16) & 0x7fff) mod n.
// The CRC-32 of "123456789" is the check value of the algorithm, cbf43926, and 4bf4 mod 3 is 1.
constexpr std::array kSlotCases{
    SlotCase{"123456789", 1, 5},
    SlotCase{"coda1:/api/v1/products/4006381333931", 0, 0},
    SlotCase{"coda1:/api/v1/shops/7/stock/96385074", 1, 1},
    SlotCase{"gen1:shop:7", 2, 2},
    SlotCase{"row1:product:4006381333931", 0, 1},
};

TEST(Slot, is_the_one_that_nginx_chooses) {
  for (const auto& each : kSlotCases) {
    EXPECT_EQ(slot_of(Key{each.key}, 3), each.of_three) << each.key;
    EXPECT_EQ(slot_of(Key{each.key}, 7), each.of_seven) << each.key;
    EXPECT_EQ(slot_of(Key{each.key}, 1), 0U) << each.key;
  }
}

TEST(Slot, spreads_the_keys) {
  std::array<int, 3> count{};
  for (int id = 0; id < 3000; ++id) ++count[slot_of(reading_response(ReadingId{id}), count.size())];
  for (const int each : count) EXPECT_NEAR(each, 1000, 200);
}

}  // namespace
}  // namespace codasync::cache
