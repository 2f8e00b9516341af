#include "storage/postgres/change_feed.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/slots.hpp"

namespace codasync::storage::postgres {
namespace {

const std::string kHorizon =
    "pg_snapshot_xmin(pg_current_snapshot()) as horizon,"
    " pg_snapshot_xmax(pg_current_snapshot()) as newest";

// One row, also for a shop that does not exist. The columns are short, because each row of the page
// repeats them.
const std::string kEpochIs = std::string{"left(md5(feed_epoch || '.' || "} + kDatabase +
                             " || '.' || " + kTimeline + "), 16) as epoch";

const std::string kHead =
    "with head as materialized (select " + kHorizon +
    ", purged_below, (select day_in(time_zone, now()) from shops where id = $1) as today, " +
    kEpochIs + " from ledger_settings limit 1) ";
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

// One row without a reading, also for no change. The limits of 1 make the planner look up each row
// by its key: it expects a full page, for which it would read all products.
const std::string kRound =
    "with head as materialized (select " + kHorizon + ", purged_below, " + kEpochIs +
    ", array_to_string(array(select f.place from unnest($1::bigint[]) with ordinality as "
    "f (shop, place) where not exists (select from shops where id = f.shop and removed_at is "
    "null)), ',') as gone from ledger_settings limit 1) select " +
    reading_row_columns(
        "case when r.expiry_date < (select day_in(time_zone, now()) from shops where id = "
        "r.shop_id) then 0 end") +
    ", p.name, p.version, h.gone, c.place, r.present, h.horizon, h.newest, h.purged_below, "
    "h.epoch, "
    "c.xid from head h left join lateral (select f.place, found.* from "
    "unnest($1::bigint[], $2::xid8[], $3::bigint[]) with ordinality as f (shop, xid, reading, "
    "place) cross join lateral (select xid, reading_id from changes where shop_id = f.shop and "
    "(xid, reading_id) > (f.xid, f.reading) and xid < h.horizon order by xid, reading_id limit $4) "
    "found) c on true left join lateral (select * from stock_readings where id = c.reading_id "
    "limit 1) r on true left join lateral (select name, version from products where gtin = r.gtin "
    "limit 1) p on true order by c.place, c.xid, c.reading_id";

/// The columns after those of the reading.
enum AfterReading : pqxx::row::size_type {
  kXid = 1,
  kEpoch,
  kPurgedBelow,
  kNewest,
  kHorizonIs,
  kPresent,
  kPlace,  // of a round only: of the position, from 1
  kGone,   // the same: the places whose shop does not exist
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

/// What each row says of the feed as a whole.
struct Head {
  explicit Head(const pqxx::row& row)
      : epoch{parsed<std::uint64_t>(from_the_end(row, kEpoch), 16)},
        horizon{transaction_of(from_the_end(row, kHorizonIs)),
                transaction_of(from_the_end(row, kNewest))},
        purged_below{transaction_of(from_the_end(row, kPurgedBelow))} {}

  std::uint64_t epoch;
  FeedHorizon horizon;
  TransactionNumber purged_below;
};

FeedReading change_of(const pqxx::row& row) {
  return {reading_of(row), !from_the_end(row, kPresent).as<bool>()};
}

/// Returns: the rows as changes, each reading once, at its last change.
std::vector<PlacedReading> changes_of(const std::vector<pqxx::row>& rows) {
  std::map<ReadingId, std::size_t> last;
  for (std::size_t i = 0; i < rows.size(); ++i) last[ReadingId{rows[i][0].as<std::int64_t>()}] = i;
  std::vector<PlacedReading> changes;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (last[ReadingId{rows[i][0].as<std::int64_t>()}] == i)
      changes.push_back({transaction_of(from_the_end(rows[i], kXid)), change_of(rows[i])});
  }
  return changes;
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
  const Head head{rows.at(0)};
  const auto epoch = head.epoch;
  const auto horizon = head.horizon;
  // The changes after a snapshot are needed too: they begin at the horizon of its first page.
  const auto at = since.value_or(
      FeedCursor{epoch, shop, FeedCursor::Phase::snapshot, horizon.horizon, ReadingId{0}});
  if (at.epoch != epoch || at.shop != shop || at.transaction < head.purged_below)
    return FeedRefusal::resync_required;

  const bool empty = rows[0][0].is_null();
  const bool full = !empty && rows.size() == limit;
  std::vector<FeedReading> readings;
  std::set<ReadingId> shown;
  for (const pqxx::row& row : rows) {
    if (empty || !shown.insert(ReadingId{row[0].as<std::int64_t>()}).second) continue;
    readings.push_back(change_of(row));
  }
  const auto last = full ? std::optional<pqxx::row>{rows.back()} : std::nullopt;
  return FeedPage{.epoch = epoch,
                  .shop = shop_of(shops[0]),
                  .readings = std::move(readings),
                  .next = after(at, last, horizon),
                  .more = full || snapshot,
                  .horizon = horizon};
}

FeedRound follow_feed(Connection& connection, const std::vector<FeedCursor>& positions,
                      std::size_t limit) {
  const auto list = [&](auto number_of) {
    return array_of(positions, [&](const FeedCursor& at) { return std::to_string(number_of(at)); });
  };
  const auto rows =
      connection.exec_params(kRound, list([](const FeedCursor& at) { return at.shop.value(); }),
                             list([](const FeedCursor& at) { return at.transaction; }),
                             list([](const FeedCursor& at) { return at.reading.value(); }), limit);
  const Head head{rows.at(0)};
  std::vector<std::vector<pqxx::row>> found(positions.size());
  for (const pqxx::row& row : rows) {
    const auto place = from_the_end(row, kPlace);
    if (!place.is_null()) found.at(place.as<std::size_t>() - 1).push_back(row);
  }
  FeedRound round{head.horizon, {}};
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto& at = positions[i];
    const bool resync = at.epoch != head.epoch || at.transaction < head.purged_below;
    const bool full = found[i].size() == limit && !resync;
    const auto last = full ? std::optional{found[i].back()} : std::nullopt;
    auto next = after(at, last, head.horizon);
    if (resync) next = {head.epoch, at.shop, at.phase, head.horizon.horizon, ReadingId{0}};
    round.each.push_back({.changes = resync ? std::vector<PlacedReading>{} : changes_of(found[i]),
                          .next = next,
                          .more = full,
                          .shop_exists = true,
                          .resync_needed = resync});
  }
  for (const auto place : numbers_of_list(from_the_end(rows[0], kGone)))
    round.each.at(static_cast<std::size_t>(place) - 1).shop_exists = false;
  return round;
}

FeedHorizon read_horizon(Connection& connection) {
  const auto row = connection.exec("select " + kHorizon)[0];
  return {transaction_of(row[0]), transaction_of(row[1])};
}

}  // namespace codasync::storage::postgres
