#include "storage/event_import.hpp"

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

#include "storage/clock.hpp"
#include "storage/ledger/attempts.hpp"
#include "storage/ledger/fold_again.hpp"
#include "storage/ledger/replay.hpp"
#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/stock_tables.hpp"

namespace codasync::storage {
namespace {

using postgres::WriteTransaction;
using Result = EventsRecorded::Result;

EventsRecorded refused(std::string reason) { return {Result::refused, std::move(reason)}; }

StockKey key_of(const EventsOfReading& reading) {
  return {reading.shop.value(), reading.gtin.number()};
}

/// An id of version 7 contains the time of its event; every other one is a name.
bool is_named(const Event& event) { return !event.id.time(); }

std::vector<Lock> locks_of(const std::vector<EventsOfReading>& readings) {
  std::vector<Lock> locks;
  for (const auto& reading : readings) {
    locks.push_back(shared(product_lock(reading.gtin)));
    locks.push_back(shared(shop_lock(reading.shop)));
    locks.push_back(shared(reading_lock(reading.shop, reading.gtin)));
  }
  return locks;
}

/// Returns: which of the events' names the ledger has; an event has a name once.
std::set<EventId> known_names(WriteTransaction& transaction,
                              const std::vector<EventsOfReading>& readings) {
  std::vector<EventId> names;
  for (const auto& reading : readings) {
    for (const auto& entry : reading.events) {
      if (is_named(entry.event)) names.push_back(entry.event.id);
    }
  }
  std::set<EventId> known;
  for (const pqxx::row& row : transaction.exec_params(
           "select name from stock_operations where name = any($1::uuid[])",
           postgres::array_of(names, [](const EventId& name) { return to_string(name); })))
    known.insert(*Uuid::parse(row[0].c_str()));
  return known;
}

/// Returns: whether the reading has each of the events.
bool has_all(WriteTransaction& transaction, ReadingId id, const EventsOfReading& reading) {
  // By the primary key: a month is a table.
  const auto found = transaction.exec_params(
      "select count(*) from unnest($2::timestamptz[], $3::uuid[]) as n (observed_at, id)"
      " cross join lateral (select from stock_events e where e.reading_id = $1 and e.observed_at ="
      " n.observed_at and e.id = n.id offset 0) e",
      id.value(),
      postgres::array_of(
          reading.events,
          [](const HistoryEntry& entry) { return to_string(entry.event.observed_at); }),
      postgres::array_of(reading.events,
                         [](const HistoryEntry& entry) { return to_string(entry.event.id); }));
  return found[0][0].as<std::size_t>() == reading.events.size();
}

/// Returns: why the ledger cannot have these events; nullopt: it can.
std::optional<std::string> refuse_times(const EventsOfReading& reading, Instant now,
                                        Instant floor) {
  std::int64_t moment = 0;
  const Event* before = nullptr;
  for (const auto& entry : reading.events) {
    const auto& event = entry.event;
    if (event.observed_at < floor) return "The ledger is closed for events of this time.";
    if (entry.received_at > now + kClockTolerance) return "An event is in the future.";
    if (const auto time = event.id.time(); time && *time != event.observed_at)
      return "The id of an event contains another time than observed_at.";
    moment = before != nullptr && before->observed_at == event.observed_at ? moment + 1 : 1;
    if (moment > kMomentMax) return "Too many events have this observed_at.";
    before = &event;
  }
  return std::nullopt;
}

/// Makes the row of its events. Returns: false when they contradict each other.
bool fold(const EventsOfReading& reading, StockRow& row, BatchWrites& writes) {
  std::vector<SegmentOfRow> segments;
  FoldAgain fold{row, std::nullopt, segments};
  for (const auto& entry : reading.events) fold.add(entry);
  row.fold = fold.finish();
  // Also of an event that was voided later, as in the ledger where it comes from.
  for (const auto& entry : reading.events) {
    if (entry.event.kind != EventKind::void_event) row.fold.newest_at = entry.event.observed_at;
  }
  std::vector<Segment> stored;
  for (const auto& each : segments) stored.push_back(each.segment);
  Replay replay{std::move(stored)};
  for (const auto& entry : reading.events) replay.add(entry);
  replay.finish();
  row.version = replay.version();
  row.received_at = replay.received_at();
  row.observed_at = replay.observed_at();
  row.updated_at = replay.updated_at();
  if (!replay.differences(row).empty()) return false;
  row.touched = true;
  row.looks_different = row.present();
  writes.segments.insert(writes.segments.end(), segments.begin(), segments.end());
  return true;
}

void add_events(const EventsOfReading& reading, const StockRow& row, BatchWrites& writes) {
  const auto begin = static_cast<std::ptrdiff_t>(writes.events.size());
  std::set<EventId> shown;  // voids that their targets name: the first one of an event is stored
  for (const auto& entry : reading.events) {
    if (entry.voided_by) shown.insert(*entry.voided_by);
    writes.events.push_back({&row, entry.event, is_named(entry.event), entry.received_at, kOperator,
                             entry.actor, entry.reason, entry.outcome, entry.version});
  }
  std::stable_partition(writes.events.begin() + begin, writes.events.end(),
                        [&](const LedgerLine& line) { return shown.contains(line.event.id); });
}

class PostgresEventImport final : public EventImport {
 public:
  PostgresEventImport(const PostgresOptions& options, Invalidation& invalidation)
      : options_{options}, invalidation_{invalidation} {}

  std::vector<EventsRecorded> write(const std::vector<EventsOfReading>& readings) override {
    assert(readings.size() <= kEventReadingsMax);
    std::vector<EventsRecorded> results;
    attempt([&] { results = write_once(readings); });
    return results;
  }

 private:
  std::vector<EventsRecorded> write_once(const std::vector<EventsOfReading>& readings) {
    StockRows rows;
    for (const auto& reading : readings)
      rows.emplace(key_of(reading), StockRow{.shop = reading.shop, .gtin = reading.gtin});
    WriteTransaction transaction{postgres::renewed(connection_, options_),
                                 locks_of(readings),
                                 {.readings = postgres::keys_of(rows)}};
    postgres::load(transaction.read(), rows);
    const auto known = known_names(transaction, readings);

    std::vector<EventsRecorded> results;
    BatchWrites writes;
    for (const auto& reading : readings) {
      results.push_back(decide(reading, rows.at(key_of(reading)), known, transaction, writes));
    }
    postgres::allocate_ids(transaction, rows);
    Changes changes;
    for (std::size_t i = 0; i < readings.size(); ++i) {
      if (results[i].result != Result::recorded) continue;
      const auto& row = rows.at(key_of(readings[i]));
      add_events(readings[i], row, writes);
      changes.readings.push_back({row.id, row.shop, row.gtin});
      changes.shop_lists.push_back(row.shop);
    }
    if (changes.empty()) return results;
    const auto deletions =
        invalidation_.begin(changes, transaction.slots(invalidation_.slot_count()));
    postgres::write(transaction, rows, writes);
    deletions->acknowledge();
    transaction.commit();
    return results;
  }

  static EventsRecorded decide(const EventsOfReading& reading, StockRow& row,
                               const std::set<EventId>& known, WriteTransaction& transaction,
                               BatchWrites& writes) {
    if (row.exists) {
      if (has_all(transaction, row.id, reading)) return {Result::known};
      return refused(
          "The reading has events already. Events are imported only for readings without any.");
    }
    if (!row.shop_exists) return refused("There is no shop with this id.");
    if (!row.product)
      return refused("There is no product with this GTIN. Import the products first.");
    const bool name_is_taken = std::ranges::any_of(
        reading.events, [&](const auto& entry) { return known.contains(entry.event.id); });
    if (name_is_taken) return refused("Another reading has an event with this id.");
    if (auto why = refuse_times(reading, transaction.now(), transaction.ledger_floor()))
      return refused(std::move(*why));
    if (!fold(reading, row, writes)) return refused("The events contradict each other.");
    return {Result::recorded};
  }

  const PostgresOptions options_;
  Invalidation& invalidation_;
  std::unique_ptr<postgres::Connection> connection_;
};

}  // namespace

std::unique_ptr<EventImport> make_event_import(const PostgresOptions& options,
                                               Invalidation& invalidation) {
  return std::make_unique<PostgresEventImport>(options, invalidation);
}

}  // namespace codasync::storage
