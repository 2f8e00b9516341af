#include <algorithm>
#include <iostream>
#include <stdexcept>

#include "api/cli/commands.hpp"
#include "api/cli/writers.hpp"
#include "api/imports/reading_writer.hpp"
#include "api/imports/shops_by_name.hpp"
#include "storage/import/demo.hpp"
#include "storage/operation_name.hpp"

namespace codasync::api::cli {
namespace {

/// Creates the shops that do not exist. Returns: the ids of all, in the order of `shops`.
std::vector<ShopId> store_shops(const config::Settings& settings, Writers& writers,
                                const std::vector<storage::Demo::Shop>& shops) {
  for (const auto& shop : shops) {
    // A shop with a name that is taken was created by an earlier import.
    static_cast<void>(writers.catalogue().create_shop(
        {.name = shop.name, .time_zone = shop.time_zone},
        {.actor = command_line(), .if_match = {}, .idempotency_key = {}},
        [](const Shop&, bool) { return std::string{}; }));
  }
  const auto ids = shops_by_name(*storage::make_database(settings.postgres));
  std::vector<ShopId> stored;
  stored.reserve(shops.size());
  for (const auto& shop : shops) stored.push_back(ids.at(shop.name));
  return stored;
}

void store_products(Writers& writers, const std::vector<storage::Demo::Product>& products) {
  std::vector<storage::CatalogueStore::ImportedProduct> batch;
  for (const auto& product : products) {
    batch.push_back({product.gtin, product.name, product.brand, product.category});
    if (batch.size() == storage::kPageMax || &product == &products.back()) {
      writers.catalogue().import_products(batch, command_line());
      batch.clear();
    }
  }
}

ReadingWriter::Counts store_readings(Writers& writers, std::size_t in_flight_max,
                                     const storage::Demo& demo, const std::vector<ShopId>& shops) {
  ReadingWriter writer{writers.ledger(), in_flight_max, command_line()};
  for (const auto& reading : demo.readings) {
    storage::StockOperation operation{.shop = shops[reading.shop],
                                      .gtin = demo.products[reading.product].gtin,
                                      .actor = command_line()};
    operation.may_create = true;
    operation.kind = EventKind::check;
    operation.date = reading.date;
    operation.quantity = reading.quantity;
    operation.observed_at = reading.observed_at;
    operation.name = storage::name_of_row(operation.shop, operation.gtin,
                                          {.id = {},
                                           .kind = EventKind::check,
                                           .date = reading.date,
                                           .quantity = reading.quantity,
                                           .observed_at = reading.observed_at});
    writer.write(std::move(operation), [](storage::Refused::Why) {});
  }
  const auto counts = writer.finish();
  if (counts.failed > 0)
    throw std::runtime_error{writer.failure() + "; run the import again to load the rest"};
  return counts;
}

}  // namespace

int import_demo(const config::Settings& settings) {
  const auto demo =
      storage::make_demo({.today = Date{std::chrono::floor<std::chrono::days>(now())}});
  Writers writers{settings};
  const auto shops = store_shops(settings, writers, demo.shops);
  store_products(writers, demo.products);
  const auto in_flight_max = std::min<std::size_t>(1024, settings.combiner.lane_queue_max);
  const auto counts = store_readings(writers, in_flight_max, demo, shops);
  std::cerr << "The demo data are loaded: " << demo.shops.size() << " shops, "
            << demo.products.size() << " products, "
            << counts.applied + counts.kept + counts.duplicates << " stock readings ("
            << counts.applied << " new or changed).\n";
  return kDone;
}

}  // namespace codasync::api::cli
