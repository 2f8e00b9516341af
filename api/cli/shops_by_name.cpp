#include "api/cli/shops_by_name.hpp"

#include "storage/make_storage.hpp"

namespace codasync::api::cli {

std::map<std::string, ShopId, std::less<>> shops_by_name(const config::Settings& settings) {
  std::map<std::string, ShopId, std::less<>> shops;
  const auto database = storage::make_database(settings.postgres);
  const auto reader = database->read();
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

}  // namespace codasync::api::cli
