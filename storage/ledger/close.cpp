#include <algorithm>
#include <thread>

#include "storage/errors.hpp"
#include "storage/ledger/attempts.hpp"
#include "storage/ledger_retention.hpp"
#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/lock_statements.hpp"
#include "storage/postgres/stock_tables.hpp"
#include "storage/postgres/write_transaction.hpp"

namespace codasync::storage {
namespace {

using postgres::Connection;
using postgres::LedgerReader;
using postgres::Transaction;
using postgres::WriteTransaction;

constexpr std::int64_t kReadingsAtATime = 100;  // writers of these readings wait meanwhile
constexpr std::int64_t kNamesAtATime = 10'000;
constexpr int kDropAttemptsMax = 20;
constexpr std::chrono::milliseconds kDropPause{100};
constexpr std::chrono::days kNamesKept{400};  // beyond the floor

/// SQL for the ledger's partitions and their bounds.
const std::string kPartitions =
    "(select relname as name, (regexp_match(bound, 'FROM \\(''(.*?)''\\)'))[1]::timestamptz as"
    " begins_at, (regexp_match(bound, 'TO \\(''(.*?)''\\)'))[1]::timestamptz as ends_at"
    " from (select relname, pg_get_expr(relpartbound, oid) as bound from pg_class where oid in"
    " (select inhrelid from pg_inherits where inhparent = 'stock_events'::regclass)) found) part";

std::string text(Date floor) { return to_string(floor) + " 00:00+00"; }

/// Throws: CloseRefused.
void refuse_bad_day(Connection& connection, Date floor) {
  if (floor.day() != std::chrono::day{1})
    throw CloseRefused{"The ledger can be closed at the first day of a month only, such as " +
                       to_string(Date{floor.year(), floor.month(), std::chrono::day{1}}) + "."};
  const auto row = connection.exec_params(
      "select $1::timestamptz <= ledger_floor, (ledger_floor at time zone 'UTC')::date,"
      " $1::timestamptz > date_trunc('month', clock_timestamp() at time zone 'UTC') at time zone"
      " 'UTC' from ledger_settings",
      text(floor))[0];
  if (row[0].as<bool>() && to_string(floor) != row[1].c_str())
    throw CloseRefused{"The ledger is already closed until " + std::string{row[1].c_str()} + "."};
  if (row[2].as<bool>()) throw CloseRefused{"The current month cannot be closed yet."};
  const bool is_bound = connection
                            .exec_params("select exists (select from " + kPartitions +
                                             " where part.begins_at = $1::timestamptz)",
                                         text(floor))[0][0]
                            .as<bool>();
  if (!is_bound)
    throw CloseRefused{"No partition of the ledger begins at " + to_string(floor) +
                       ": one partition has all events before the month of the installation."};
}

/// Waits for the running writes, which can still append older events: each holds this lock.
void wait_for_writers(Connection& connection) {
  attempt([&] {
    Transaction{connection, Transaction::Access::read_write,
                postgres::wait_for_locks({exclusive(slots_lock())})}
        .commit();
  });
}

/// Composes the events before the floor into the base of each row.
void close_readings(Connection& connection, const std::vector<StockRow>& chosen, Instant floor) {
  StockRows rows;
  std::vector<Lock> locks;
  for (const auto& row : chosen) {
    rows.emplace(StockKey{row.shop.value(), row.gtin.number()},
                 StockRow{.shop = row.shop, .gtin = row.gtin});
    locks.push_back(shared(reading_lock(row.shop, row.gtin)));
  }
  WriteTransaction transaction{connection, locks, {.readings = postgres::keys_of(rows)}};
  postgres::load(transaction.read(), rows);
  LedgerReader ledger{connection};
  const auto last_before = floor - std::chrono::microseconds{1};
  BatchWrites writes;
  for (auto& [key, row] : rows) {
    const auto id = row.id.value();
    auto segments = std::move(ledger.segments(id - 1, id)[id]);
    Summary base;
    Instant sealed = kBeginning;  // end of the last segment before the floor
    const Segment* straddling = nullptr;
    for (const auto& segment : segments) {
      if (segment.until >= floor) {
        straddling = &segment;
        break;
      }
      base = then(base, segment.summary);
      sealed = segment.until;
      writes.dropped_segments.push_back({&row, {.until = segment.until}});
    }
    const auto end = straddling != nullptr ? straddling->until : Instant::max();
    std::vector<Event> before;
    std::vector<Event> after;
    std::int64_t left = 0;
    const auto lines = std::move(ledger.events({{row.id, sealed, end}}).front());
    for (const auto& line : lines) {
      const bool is_old = line.event.observed_at < floor;
      if (!is_old) ++left;
      if (!line.voided) (is_old ? before : after).push_back(line.event);
    }
    base = then(base, summary_of(before));
    writes.segments.push_back({&row, {.until = last_before, .summary = base, .is_base = true}});
    if (straddling != nullptr) {
      if (sealed < last_before)
        writes.segments.push_back(
            {&row, {.until = end, .events = left, .summary = summary_of(after)}});
    } else {
      row.fold.sealed_until = last_before;
      row.fold.tail = left;
    }
    row.touched = true;
  }
  postgres::write(transaction, rows, writes);
  transaction.exec_params(
      "delete from stock_voids v using stock_events e where v.reading_id = any($1::bigint[]) and"
      " e.reading_id = v.reading_id and e.observed_at < $2::timestamptz and e.id = v.target",
      postgres::array_of(chosen,
                         [](const StockRow& row) { return std::to_string(row.id.value()); }),
      to_string(floor));
  transaction.commit();
}

std::uint64_t close_all_readings(Connection& connection, Instant floor,
                                 const std::function<void(std::uint64_t)>& progress) {
  std::uint64_t closed = 0;
  const auto last =
      connection.exec("select coalesce(max(id), 0) from stock_readings")[0][0].as<std::int64_t>();
  for (std::int64_t after = 0; after < last; after += kReadingsAtATime) {
    const auto rows = postgres::rows_in(connection.exec_params(
        postgres::kReadingRows +
            "where r.id > $1 and r.id <= $2 and exists (select from stock_events e where"
            " e.reading_id = r.id and e.observed_at < $3::timestamptz)",
        after, after + kReadingsAtATime, to_string(floor)));
    if (!rows.empty()) attempt([&] { close_readings(connection, rows, floor); });
    closed += rows.size();
    progress(closed);
  }
  return closed;
}

/// Waits for readers of the partition in several short attempts, because writers wait behind each
/// attempt.
void drop_partition(Connection& connection, const std::string& name) {
  for (int number = 1;; ++number) {
    try {
      // The name needs no escaping: create_ledger_partition() made it.
      Transaction{connection, Transaction::Access::read_write,
                  "set local lock_timeout = '100ms'; alter table stock_events detach partition " +
                      name + "; drop table " + name}
          .commit();
      return;
    } catch (const postgres::LockTimeout&) {
      if (number == kDropAttemptsMax)
        throw Unavailable{"postgres", "a long transaction reads " + name +
                                          ": run the command again when it has ended"};
    }
    std::this_thread::sleep_for(kDropPause);
  }
}

std::vector<std::string> drop_partitions(Connection& connection, Date floor) {
  std::vector<std::string> dropped;
  for (const pqxx::row& row :
       connection.exec_params("select part.name from " + kPartitions +
                                  " where part.ends_at <= $1::timestamptz order by part.name",
                              text(floor))) {
    dropped.emplace_back(row["name"].c_str());
  }
  for (const auto& name : dropped) drop_partition(connection, name);
  return dropped;
}

void delete_old_names(Connection& connection, Date floor) {
  std::string after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const auto page = connection.exec_params(
        "with page as (select name, observed_at from stock_operations where name > $1::uuid"
        " order by name limit $2), gone as (delete from stock_operations o using page where"
        " o.name = page.name and page.observed_at < $3::timestamptz - make_interval(days =>"
        " $4::integer)) select name from page order by name desc limit 1",
        after, kNamesAtATime, text(floor), kNamesKept.count());
    if (page.empty()) return;
    after = page[0]["name"].c_str();
  }
}

}  // namespace

CloseCounts close_ledger(const PostgresOptions& options, Date floor,
                         const std::function<void(std::uint64_t)>& progress) {
  Connection connection{options};
  refuse_bad_day(connection, floor);
  connection.exec_params("update ledger_settings set ledger_floor = $1::timestamptz", text(floor));
  wait_for_writers(connection);
  CloseCounts counts;
  counts.readings = close_all_readings(connection, Instant{std::chrono::sys_days{floor}}, progress);
  counts.partitions = drop_partitions(connection, floor);
  delete_old_names(connection, floor);
  return counts;
}

}  // namespace codasync::storage
