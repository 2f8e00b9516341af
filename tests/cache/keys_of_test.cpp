#include <gmock/gmock.h>

#include "cache/memcached_invalidation.hpp"

namespace codasync::cache {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const Gtin kTea = Gtin::from_number(4006381333931);
const ShopId kNorth{1};

std::vector<std::string> names(const storage::Changes& changes) {
  std::vector<std::string> texts;
  for (const Key& key : keys_of(changes)) texts.push_back(key.text);
  return texts;
}

TEST(KeysOfChanges, of_no_change_are_empty) { EXPECT_THAT(names({}), IsEmpty()); }

TEST(KeysOfChanges, of_a_reading_are_all_responses_that_contain_it) {
  storage::Changes changes;
  changes.readings.push_back({ReadingId{9}, kNorth, kTea});
  changes.shop_lists.push_back(kNorth);
  EXPECT_THAT(names(changes),
              UnorderedElementsAre(reading_response(ReadingId{9}).text,
                                   shop_stock_response(kNorth, kTea).text,
                                   product_stock_response(kTea).text,
                                   reading_row(kNorth, kTea).text, shop_generation(kNorth).text));
}

TEST(KeysOfChanges, of_a_renamed_product_are_the_responses_of_its_readings_but_not_their_rows) {
  storage::Changes changes;
  changes.products.push_back(kTea);
  changes.renamed.push_back({ReadingId{9}, kNorth, kTea});
  EXPECT_THAT(
      names(changes),
      UnorderedElementsAre(product_response(kTea).text, product_row(kTea).text,
                           product_stock_response(kTea).text, reading_response(ReadingId{9}).text,
                           shop_stock_response(kNorth, kTea).text));
}

TEST(KeysOfChanges, of_a_product_are_its_responses_and_its_row) {
  storage::Changes changes;
  changes.products.push_back(kTea);
  changes.catalogue = true;
  EXPECT_THAT(names(changes),
              UnorderedElementsAre(product_response(kTea).text, product_row(kTea).text,
                                   product_stock_response(kTea).text, catalogue_generation().text));
}

TEST(KeysOfChanges, of_a_shop_are_its_response_its_row_and_the_lists_of_shops) {
  storage::Changes changes;
  changes.shops.push_back(kNorth);
  changes.all_shops = true;
  EXPECT_THAT(names(changes), UnorderedElementsAre(shop_response(kNorth).text,
                                                   shop_row(kNorth).text, shops_generation().text));
}

TEST(KeysOfChanges, contain_a_key_of_several_changes_once) {
  storage::Changes changes;
  for (int shop = 1; shop <= 100; ++shop) {
    changes.readings.push_back({ReadingId{shop}, ShopId{shop}, kTea});
    changes.shop_lists.push_back(kNorth);
  }
  EXPECT_EQ(names(changes).size(), 3 * 100U + 1U + 1U);
}

}  // namespace
}  // namespace codasync::cache
