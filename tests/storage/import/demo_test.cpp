#include "storage/import/demo.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

constexpr Date kToday{std::chrono::year{2026} / 11 / 24};

TEST(Demo, is_the_same_for_the_same_seed) {
  const auto one = make_demo({.seed = 7, .today = kToday});
  const auto same = make_demo({.seed = 7, .today = kToday});
  const auto other = make_demo({.seed = 8, .today = kToday});
  ASSERT_EQ(one.products.size(), same.products.size());
  bool differs = false;
  for (std::size_t i = 0; i < one.products.size(); ++i) {
    ASSERT_EQ(one.products[i].name, same.products[i].name);
    differs = differs || one.products[i].name != other.products[i].name;
  }
  ASSERT_EQ(one.readings.size(), same.readings.size());
  for (std::size_t i = 0; i < one.readings.size(); ++i) {
    ASSERT_EQ(one.readings[i].date, same.readings[i].date);
    ASSERT_EQ(one.readings[i].observed_at, same.readings[i].observed_at);
  }
  EXPECT_TRUE(differs);
}

TEST(Demo, products_are_valid_and_distinct_and_have_the_prefix_for_examples) {
  const auto demo = make_demo({.products = kDemoProductsMax, .today = kToday});
  ASSERT_EQ(demo.products.size(), kDemoProductsMax);
  std::set<Gtin> gtins;
  std::set<std::string> names;
  for (const auto& product : demo.products) {
    ASSERT_TRUE(Gtin::parse(product.gtin.canonical())) << product.gtin.canonical();
    ASSERT_TRUE(product.gtin.canonical().starts_with("952"));
    ASSERT_FALSE(product.gtin.restricted());
    ASSERT_EQ(refuse_name(product.name), std::nullopt);
    gtins.insert(product.gtin);
    names.insert(product.name);
  }
  EXPECT_EQ(gtins.size(), kDemoProductsMax);
  EXPECT_EQ(names.size(), kDemoProductsMax);
}

TEST(Demo, readings_have_dates_near_the_day_in_several_time_zones) {
  const auto demo = make_demo({.today = kToday});
  std::set<std::string> zones;
  for (const auto& shop : demo.shops) zones.insert(shop.time_zone);
  EXPECT_GE(zones.size(), 4U);

  std::set<std::pair<std::size_t, std::size_t>> places;
  std::size_t expired = 0;
  std::size_t due_soon = 0;
  for (const auto& reading : demo.readings) {
    ASSERT_LT(reading.shop, demo.shops.size());
    ASSERT_LT(reading.product, demo.products.size());
    ASSERT_TRUE(reading.date.date.ok());
    ASSERT_LE(reading.observed_at, std::chrono::sys_days{kToday});
    ASSERT_GE(reading.quantity, 0);
    places.emplace(reading.shop, reading.product);
    const auto days_left = std::chrono::sys_days{reading.date.date} - std::chrono::sys_days{kToday};
    if (days_left < std::chrono::days{0}) ++expired;
    if (days_left >= std::chrono::days{0} && days_left <= std::chrono::days{3}) ++due_soon;
  }
  EXPECT_EQ(places.size(), demo.readings.size());
  EXPECT_GT(expired, 0U);
  EXPECT_GT(due_soon, expired / 4);
  EXPECT_LT(expired, demo.readings.size() / 4);
}

}  // namespace
}  // namespace codasync::storage
