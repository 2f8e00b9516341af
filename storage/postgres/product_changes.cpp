#include "storage/postgres/product_changes.hpp"

namespace codasync::storage::postgres {

Changes changes_of_product(WriteTransaction& transaction, Gtin gtin) {
  Changes changes;
  changes.products = {gtin};
  changes.catalogue = true;
  for (const pqxx::row& row : transaction.exec_params(
           "select id, shop_id from stock_readings where gtin = $1", gtin.number())) {
    const ShopId shop{row[1].as<std::int64_t>()};
    changes.readings.push_back({ReadingId{row[0].as<std::int64_t>()}, shop, gtin});
    changes.shop_lists.push_back(shop);
  }
  return changes;
}

std::vector<Lock> shop_locks(const Changes& changes) {
  std::vector<Lock> locks;
  for (const auto shop : changes.shop_lists) locks.push_back({shop_lock(shop), LockMode::shared});
  return locks;
}

}  // namespace codasync::storage::postgres
