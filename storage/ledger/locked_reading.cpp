#include "storage/ledger/locked_reading.hpp"

#include <string>

#include "storage/postgres/stock_tables.hpp"

namespace codasync::storage {
namespace {

std::string array_of(std::int64_t number) { return "{" + std::to_string(number) + "}"; }

std::vector<Lock> locks_of(const ChangedReading& reading) {
  return {shared(product_lock(reading.gtin)), shared(shop_lock(reading.shop)),
          shared(reading_lock(reading.shop, reading.gtin))};
}

}  // namespace

LockedReading::LockedReading(postgres::Connection& connection, const ChangedReading& reading)
    : transaction_{
          connection,
          locks_of(reading),
          {.readings = {array_of(reading.shop.value()), array_of(reading.gtin.number())}}} {
  rows_.emplace(StockKey{reading.shop.value(), reading.gtin.number()},
                StockRow{.shop = reading.shop, .gtin = reading.gtin});
  postgres::load(transaction_.read(), rows_);
}

void LockedReading::write(Invalidation& invalidation, const BatchWrites& writes) {
  const auto deletions = invalidation.begin(
      {.readings = {{row().id, row().shop, row().gtin}}, .shop_lists = {row().shop}},
      transaction_.slots(invalidation.slot_count()));
  postgres::write(transaction_, rows_, writes);
  deletions->acknowledge();
  transaction_.commit();
}

}  // namespace codasync::storage
