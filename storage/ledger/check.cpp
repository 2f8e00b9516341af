#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "storage/clock.hpp"
#include "storage/ledger/attempts.hpp"
#include "storage/ledger/clock_repair.hpp"
#include "storage/ledger/fold_again.hpp"
#include "storage/ledger/locked_reading.hpp"
#include "storage/ledger/replay.hpp"
#include "storage/ledger_check.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/stock_tables.hpp"

namespace codasync::storage {
namespace {

using postgres::Connection;
using postgres::LedgerReader;
using postgres::Transaction;

constexpr std::size_t kReadingsAtATime = 500;
constexpr std::size_t kEventsAtATime = 10'000;

ChangedReading about(const StockRow& row) { return {row.id, row.shop, row.gtin}; }

// ---- the database

/// Calls `take` with the events of the readings above `after` up to `last`, in the order (reading,
/// observed_at, id).
void for_each_event(Connection& connection, std::int64_t after, std::int64_t last,
                    const std::function<void(const HistoryEntry&)>& take) {
  static const std::string kStatement =
      "select " + postgres::kEventColumns + " from " + postgres::kEventTables +
      " where (e.reading_id, e.observed_at, e.id) > ($1::bigint, $2::timestamptz, $3::uuid)"
      " and e.reading_id <= $4::bigint order by e.reading_id, e.observed_at, e.id limit $5";
  // The largest time and id: the first page begins with the next reading.
  std::int64_t reading = after;
  std::string observed_at = "infinity";
  std::string id = "ffffffff-ffff-ffff-ffff-ffffffffffff";
  for (;;) {
    const auto page =
        connection.exec_params(kStatement, reading, observed_at, id, last, kEventsAtATime);
    for (const pqxx::row& row : page) take(postgres::event_of(row));
    if (page.size() < kEventsAtATime) return;
    const auto end = postgres::event_of(page.back());
    reading = end.reading.value();
    observed_at = to_string(end.event.observed_at);
    id = to_string(end.event.id);
  }
}

// ---- repair

/// Folds all events of a reading again, after its base if it has one, into new segments.
FoldState fold_again(Connection& connection, const StockRow& row,
                     const std::optional<Segment>& base, std::vector<SegmentOfRow>& segments) {
  FoldAgain fold{row, base, segments};
  for_each_event(connection, row.id.value() - 1, row.id.value(),
                 [&](const HistoryEntry& line) { fold.add(line); });
  return fold.finish();
}

/// Writes the row and its segments again from its events, if they still differ.
void repair_fold(Connection& connection, Invalidation& invalidation,
                 const ChangedReading& reading) {
  LockedReading locked{connection, reading};
  StockRow& row = locked.row();
  if (!row.exists) return;
  auto stored = std::move(
      LedgerReader{connection}.segments(row.id.value() - 1, row.id.value())[row.id.value()]);
  Replay events{stored};
  bool recorded = events.has_base();
  for_each_event(connection, row.id.value() - 1, row.id.value(), [&](const HistoryEntry& line) {
    events.add(line);
    recorded = true;
  });
  events.finish();
  if (recorded && events.differences(row).empty()) return;

  BatchWrites writes;
  std::optional<Segment> base;
  for (const auto& segment : stored) {
    if (segment.is_base)
      base = segment;
    else
      writes.dropped_segments.push_back({&row, Segment{.until = segment.until}});
  }
  const auto before = row.fold.shelf;
  row.fold = fold_again(connection, row, base, writes.segments);
  // Readers may have stored the damaged row with its version, so the repaired row needs another
  // one.
  const bool own_version = row.version > events.version() || !recorded;
  const bool stamps_differ = !own_version && !events.changed_last(row.observed_at, row.updated_at);
  const bool seen =
      !looks_same(before, row.fold.shelf) || row.version < events.version() || stamps_differ;
  if (!own_version && stamps_differ) {
    row.observed_at = events.observed_at();
    row.updated_at = events.updated_at();
  }
  row.version = std::max(row.version, events.version()) + (seen ? 1 : 0);
  if (recorded && !events.has_base()) row.received_at = events.received_at();
  row.received_at = std::max(row.received_at, events.received_at());
  row.touched = true;
  row.looks_different = seen;
  locked.write(invalidation, writes);
}

class Check {
 public:
  Check(const PostgresOptions& options, Invalidation* repair,
        const std::function<void(const LedgerDifference&)>& differs)
      : options_{options}, invalidation_{repair}, differs_{differs} {}

  LedgerCheckCounts run(const std::function<void(const LedgerCheckCounts&)>& progress) {
    counts_.total =
        connection().exec("select count(*) from stock_readings")[0][0].as<std::uint64_t>();
    std::int64_t after = 0;
    for (bool more = true; more;) {
      more = chunk(after);
      progress(counts_);
    }
    return counts_;
  }

 private:
  /// Compares the readings with ids above `after`, and advances `after`. Returns: whether more
  /// follow.
  bool chunk(std::int64_t& after) {
    std::vector<LedgerDifference> found;
    bool more = false;
    {
      // Rows and events are read in one snapshot.
      Transaction transaction{connection(), Transaction::Access::read_only,
                              "set transaction isolation level repeatable read"};
      const auto now =
          postgres::instant_of(connection().exec("select micros_of(clock_timestamp())")[0][0]);
      const auto rows = postgres::rows_in(connection().exec_params(
          postgres::kReadingRows + "where r.id > $1 order by r.id limit $2", after,
          kReadingsAtATime));
      more = rows.size() == kReadingsAtATime;
      const std::int64_t last =
          more ? rows.back().id.value() : std::numeric_limits<std::int64_t>::max();
      auto replays = replay(after, last);
      for (const auto& row : rows) {
        ++counts_.checked;
        const auto events = replays.extract(row.id.value());
        auto what = events.empty() ? std::vector<std::string>{"the reading has no events"}
                                   : events.mapped().differences(row);
        if (events.empty() && !row.present()) what.clear();
        if (row.received_at > now + kClockTolerance)
          what.push_back("received_at is " + to_string(row.received_at) +
                         ", in the future: the database's clock was wrong");
        if (!what.empty()) found.push_back({row.id, about(row), std::move(what)});
      }
      for (const auto& [id, state] : replays)
        found.push_back({ReadingId{id}, std::nullopt, {"events exist, but no row"}});
      after = last;
    }
    for (auto& difference : found) {
      ++counts_.differing;
      if (invalidation_ != nullptr && difference.row) {
        repair(*difference.row);
        difference.repaired = true;
        ++counts_.repaired;
      }
      differs_(difference);
    }
    return more;
  }

  /// Returns: the replays of the readings above `after` up to `last`.
  std::map<std::int64_t, Replay> replay(std::int64_t after, std::int64_t last) {
    auto segments = LedgerReader{connection()}.segments(after, last);
    std::map<std::int64_t, Replay> replays;
    for (auto& [reading, own] : segments) replays.try_emplace(reading, std::move(own));
    for_each_event(connection(), after, last, [&](const HistoryEntry& line) {
      replays.try_emplace(line.reading.value(), std::vector<Segment>{}).first->second.add(line);
    });
    for (auto& [reading, replayed] : replays) replayed.finish();
    return replays;
  }

  void repair(const ChangedReading& reading) {
    attempt([&] { repair_fold(connection(), *invalidation_, reading); });
    attempt([&] { repair_clock(connection(), *invalidation_, reading); });
  }

  Connection& connection() { return postgres::renewed(connection_, options_); }

  const PostgresOptions options_;
  Invalidation* const invalidation_;
  const std::function<void(const LedgerDifference&)>& differs_;
  std::unique_ptr<Connection> connection_;
  LedgerCheckCounts counts_;
};

}  // namespace

LedgerCheckCounts check_ledger(const PostgresOptions& options, Invalidation* repair,
                               const std::function<void(const LedgerDifference&)>& differs,
                               const std::function<void(const LedgerCheckCounts&)>& progress) {
  return Check{options, repair, differs}.run(progress);
}

}  // namespace codasync::storage
