#include "api/imports/shops_by_name.hpp"

namespace codasync::api {

std::map<std::string, ShopId, std::less<>> shops_by_name(storage::Database& database) {
  std::map<std::string, ShopId, std::less<>> shops;
  const auto reader = database.read();
  storage::ShopFilter filter;
  for (bool more = true; more;) {
    const auto page = reader->shops(filter, storage::kPageMax);
    for (const auto& shop : page.rows) {
      shops.emplace(shop.name, shop.id);
      filter.after = shop.id;
    }
    more = page.more;
  }
  return shops;
}

}  // namespace codasync::api
