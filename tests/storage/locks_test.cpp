#include "storage/locks.hpp"

#include <gmock/gmock.h>

#include <set>

namespace codasync::storage {
namespace {

const Gtin kTea = Gtin::from_number(4012345678901);

TEST(Locks, sort_by_class_as_the_protocol_says) {
  const std::vector<LockName> names{slots_lock(),
                                    keeper_lock(),
                                    token_lock(TokenId{0}),
                                    token_lock(TokenId{1'000'000'000}),
                                    catalogue_lock(),
                                    shops_lock(),
                                    product_lock(Gtin::from_number(0)),
                                    product_lock(Gtin::from_number(99'999'999'999'999)),
                                    shop_lock(ShopId{1}),
                                    shop_lock(ShopId{1'000'000'000}),
                                    reading_lock(ShopId{1}, kTea)};
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST(Locks, are_positive_numbers_of_a_signed_column) {
  for (std::int64_t shop = 1; shop < 1000; ++shop) {
    EXPECT_GT(reading_lock(ShopId{shop}, kTea).number, shop_lock(ShopId{shop}).number);
  }
}

TEST(Locks, of_a_hundred_thousand_readings_have_different_names) {
  std::set<LockName> names;
  for (std::int64_t shop = 1; shop <= 100; ++shop) {
    for (std::int64_t gtin = 0; gtin < 1000; ++gtin) {
      names.insert(reading_lock(ShopId{shop}, Gtin::from_number(gtin)));
    }
  }
  EXPECT_EQ(names.size(), 100'000U);
}

TEST(Locks, in_order_keeps_each_name_once_in_its_stronger_mode) {
  const Lock product{product_lock(kTea), LockMode::exclusive};
  const Lock shop{shop_lock(ShopId{7}), LockMode::shared};
  const Lock weaker{product.name, LockMode::shared};
  EXPECT_THAT(in_order({shop, weaker, product, shop}), testing::ElementsAre(product, shop));
}

}  // namespace
}  // namespace codasync::storage
