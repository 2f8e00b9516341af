#include "storage/ledger/clock_repair.hpp"

#include <vector>

#include "storage/clock.hpp"
#include "storage/ledger/attempts.hpp"
#include "storage/ledger/batch_fold.hpp"
#include "storage/ledger/locked_reading.hpp"
#include "storage/postgres/stock_tables.hpp"

namespace codasync::storage {
namespace {

constexpr std::int64_t kIdsAtATime = 100'000;  // some hundredths of a second

std::vector<ChangedReading> readings_from_the_future(postgres::Connection& connection,
                                                     std::int64_t after) {
  std::vector<ChangedReading> found;
  for (const pqxx::row& row : connection.exec_params(
           "select id, shop_id, gtin from stock_readings where id > $1 and id <= $2 and"
           " received_at > clock_timestamp() + make_interval(secs => $3::integer)",
           after, after + kIdsAtATime, kClockTolerance.count())) {
    found.push_back({ReadingId{row["id"].as<std::int64_t>()},
                     ShopId{row["shop_id"].as<std::int64_t>()},
                     Gtin::from_number(row["gtin"].as<std::int64_t>())});
  }
  return found;
}

}  // namespace

bool repair_clock(postgres::Connection& connection, Invalidation& invalidation,
                  const ChangedReading& reading) {
  LockedReading locked{connection, reading};
  postgres::LedgerReader ledger{connection};
  BatchFold fold{locked.rows(),
                 ledger,
                 {.token_is_valid = {},
                  .find_event = {},
                  .now = locked.transaction().now(),
                  .ledger_floor = locked.transaction().ledger_floor()}};
  if (!locked.row().exists || !fold.has_future_events(locked.row())) return false;
  fold.repair_clock(locked.row());
  fold.finish([](StockRows&) {});
  locked.write(invalidation, std::move(fold).writes());
  return true;
}

std::size_t repair_clock_everywhere(std::unique_ptr<postgres::Connection>& connection,
                                    const PostgresOptions& options, Invalidation& invalidation,
                                    const std::stop_token& stop) {
  std::size_t repaired = 0;
  const auto last = postgres::renewed(connection, options)
                        .exec("select coalesce(max(id), 0) from stock_readings")[0][0]
                        .as<std::int64_t>();
  for (std::int64_t after = 0; after < last && !stop.stop_requested(); after += kIdsAtATime) {
    for (const auto& reading :
         readings_from_the_future(postgres::renewed(connection, options), after)) {
      if (stop.stop_requested()) return repaired;
      attempt([&] {
        if (repair_clock(postgres::renewed(connection, options), invalidation, reading)) ++repaired;
      });
    }
  }
  return repaired;
}

}  // namespace codasync::storage
