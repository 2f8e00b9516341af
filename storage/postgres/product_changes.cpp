#include "storage/postgres/product_changes.hpp"

#include <set>

#include "storage/postgres/arrays.hpp"

namespace codasync::storage::postgres {

Changes changes_of_product(WriteTransaction& transaction, Gtin gtin) {
  return changes_of_products(transaction, {gtin});
}

Changes changes_of_products(WriteTransaction& transaction, const std::vector<Gtin>& gtins) {
  Changes changes;
  if (gtins.empty()) return changes;
  changes.products = gtins;
  changes.catalogue = true;
  std::set<ShopId> shops;
  for (const pqxx::row& row : transaction.exec_params(
           "select id, shop_id, gtin from stock_readings where gtin = any($1::bigint[]) and "
           "present",
           array_of(gtins, [](Gtin gtin) { return std::to_string(gtin.number()); }))) {
    const ShopId shop{row[1].as<std::int64_t>()};
    changes.renamed.push_back(
        {ReadingId{row[0].as<std::int64_t>()}, shop, Gtin::from_number(row[2].as<std::int64_t>())});
    shops.insert(shop);
  }
  changes.shop_lists.assign(shops.begin(), shops.end());
  return changes;
}

std::vector<Lock> shop_locks(const Changes& changes) {
  std::vector<Lock> locks;
  for (const auto shop : changes.shop_lists) locks.push_back(shared(shop_lock(shop)));
  return locks;
}

}  // namespace codasync::storage::postgres
