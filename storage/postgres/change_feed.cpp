#include "storage/postgres/change_feed.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>

#include "storage/postgres/columns.hpp"
#include "storage/postgres/slots.hpp"

namespace codasync::storage::postgres {
namespace {

const std::string kHorizon =
    "pg_snapshot_xmin(pg_current_snapshot()) as horizon,"
    " pg_snapshot_xmax(pg_current_snapshot()) as newest";

// One row, also for a shop that does not exist. The columns are short, because each row of the page
// repeats them.
const std::string kHead =
    "with head as materialized (select " + kHorizon +
    ", purged_below, (select day_in(time_zone, now()) from shops where id = $1) as today,"
    " left(md5(feed_epoch || '.' || " +
    kDatabase + " || '.' || " + kTimeline + "), 16) as epoch from ledger_settings) ";
// The end of each expiry date would be half of the page's cost; whether it has passed is
// sufficient.
const std::string kColumns =
    "select " + reading_row_columns("case when r.expiry_date < h.today then 0 end") +
    ", p.name, p.version, r.present, h.horizon, h.newest, h.purged_below, h.epoch, ";

const std::string kSnapshotPage =
    kHead + kColumns +
    "null from head h left join lateral (select * from stock_readings where shop_id = $1 and "
    "present and id > $2 order by id limit $3) r on true left join products p using (gtin) "
    "order by r.id";

const std::string kChangesPage =
    kHead + kColumns +
    "c.xid from head h left join lateral (select xid, reading_id from changes where shop_id = $1 "
    "and (xid, reading_id) > ($4::xid8, $2) and xid < h.horizon order by xid, reading_id limit $3) "
    "c on true left join stock_readings r on r.id = c.reading_id left join products p using (gtin) "
    "order by c.xid, c.reading_id";

/// The columns after those of the reading.
enum AfterReading : pqxx::row::size_type {
  kXid = 1,
  kEpoch,
  kPurgedBelow,
  kNewest,
  kHorizonIs,
  kPresent
};

pqxx::field from_the_end(const pqxx::row& row, AfterReading column) {
  return row[row.size() - column];
}

template <class Number>
Number parsed(const pqxx::field& field, int base = 10) {
  Number number{};
  std::from_chars(field.c_str(), field.c_str() + field.size(), number, base);
  return number;
}

TransactionNumber transaction_of(const pqxx::field& field) {
  return parsed<TransactionNumber>(field);
}

/// Returns: the position after a page. `last`: its last row; nullopt: the page is not full.
FeedCursor after(const FeedCursor& at, const std::optional<pqxx::row>& last, FeedHorizon horizon) {
  using Phase = FeedCursor::Phase;
  auto next = at;
  next.reading = last ? ReadingId{(*last)[0].as<std::int64_t>()} : ReadingId{0};
  if (at.phase == Phase::changes)
    next.transaction = last ? transaction_of(from_the_end(*last, kXid))
                            : std::max(at.transaction, horizon.horizon);
  else if (!last)
    next.phase = Phase::changes;
  return next;
}

}  // namespace

Outcome<FeedPage, FeedRefusal> read_feed(Connection& connection, ShopId shop,
                                         const std::optional<FeedCursor>& since,
                                         std::size_t limit) {
  const auto shops = connection.exec_params(
      "select " + kShopColumns + " from shops s where id = $1 and removed_at is null",
      shop.value());
  if (shops.empty()) return FeedRefusal::unknown_shop;
  const bool snapshot = !since || since->phase == FeedCursor::Phase::snapshot;
  const auto after_reading = since ? since->reading.value() : 0;
  const auto rows = snapshot
                        ? connection.exec_params(kSnapshotPage, shop.value(), after_reading, limit)
                        : connection.exec_params(kChangesPage, shop.value(), after_reading, limit,
                                                 std::to_string(since->transaction));
  const pqxx::row head = rows.at(0);
  const auto epoch = parsed<std::uint64_t>(from_the_end(head, kEpoch), 16);
  const FeedHorizon horizon{transaction_of(from_the_end(head, kHorizonIs)),
                            transaction_of(from_the_end(head, kNewest))};
  // The changes after a snapshot are needed too: they begin at the horizon of its first page.
  const auto at = since.value_or(
      FeedCursor{epoch, shop, FeedCursor::Phase::snapshot, horizon.horizon, ReadingId{0}});
  if (at.epoch != epoch || at.shop != shop ||
      at.transaction < transaction_of(from_the_end(head, kPurgedBelow)))
    return FeedRefusal::resync_required;

  const bool empty = head[0].is_null();
  const bool full = !empty && rows.size() == limit;
  std::vector<FeedReading> readings;
  std::set<ReadingId> shown;
  for (const pqxx::row& row : rows) {
    if (empty || !shown.insert(ReadingId{row[0].as<std::int64_t>()}).second) continue;
    readings.push_back({reading_of(row), !from_the_end(row, kPresent).as<bool>()});
  }
  const auto last = full ? std::optional<pqxx::row>{rows.back()} : std::nullopt;
  return FeedPage{.epoch = epoch,
                  .shop = shop_of(shops[0]),
                  .readings = std::move(readings),
                  .next = after(at, last, horizon),
                  .more = full || snapshot,
                  .horizon = horizon};
}

FeedHorizon read_horizon(Connection& connection) {
  const auto row = connection.exec("select " + kHorizon)[0];
  return {transaction_of(row[0]), transaction_of(row[1])};
}

}  // namespace codasync::storage::postgres
