#include "storage/ledger_check.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "storage/errors.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "storage/stock_rows.hpp"

namespace codasync::storage {
namespace {

using postgres::Connection;
using postgres::Transaction;
using postgres::WriteTransaction;

constexpr std::size_t kReadingsAtATime = 500;
constexpr std::size_t kEventsAtATime = 2'000;
constexpr int kAttemptsMax = 4;

/// What the events of a reading say of its row.
struct Fold {
  Shelf shelf;
  std::int64_t version{0};  // of the newest event that people saw
  Instant observed_at{};    // of that event
  Instant updated_at{};     // its arrival
  Instant received_at{};    // newest arrival
};

std::string date_text(const std::optional<ShelfDate>& date) {
  if (!date) return "none";
  return to_string(date->date) + (date->kind ? " " + std::string{name_of(*date->kind)} : "");
}

std::string text(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "none";
}

std::string text(const std::optional<Instant>& moment) {
  return moment ? to_string(*moment) : "never";
}

/// Returns: the differences that matter, in words.
std::vector<std::string> compare(const StockRow& row, const Fold& events) {
  std::vector<std::string> found;
  const auto differ = [&](const char* field, const std::string& is, const std::string& should) {
    if (is != should)
      found.push_back(std::string{field} + " is " + is + ", the events say " + should);
  };
  differ("state", row.shelf.present ? "present" : "removed",
         events.shelf.present ? "present" : "removed");
  differ("expiry_date", date_text(row.shelf.date), date_text(events.shelf.date));
  differ("balance", text(row.shelf.balance), text(events.shelf.balance));
  differ("folded_at", text(row.shelf.folded_at), text(events.shelf.folded_at));
  differ("checked_at", text(row.shelf.checked_at), text(events.shelf.checked_at));
  differ("counted_at", text(row.shelf.counted_at), text(events.shelf.counted_at));
  differ("received_at", to_string(row.received_at), to_string(events.received_at));
  // A row that was mended has a version of its own.
  if (row.version < events.version)
    differ("version", std::to_string(row.version), std::to_string(events.version));
  if (row.version <= events.version) {
    differ("observed_at", to_string(row.observed_at), to_string(events.observed_at));
    differ("updated_at", to_string(row.updated_at), to_string(events.updated_at));
  }
  return found;
}

/// Returns: SQL for a moment as lock_for_write() tells it.
std::string sent(const std::string& column) {
  return ", encode(timestamptz_send(" + column + "), 'hex')";
}

/// A query of the readings after $1 in the order of ids, $2 at most, as lock_for_write() tells
/// them.
const std::string kRows =
    "select 'reading', r.id, null, r.shop_id, r.gtin, " + postgres::days("r.expiry_date") +
    ", r.date_kind, r.balance, r.removed, r.version" + sent("r.observed_at") +
    sent("r.updated_at") + sent("r.folded_at") + sent("r.checked_at") + sent("r.counted_at") +
    sent("r.received_at") +
    ", p.name, p.version, r.ctid from stock_readings r join products p using (gtin)"
    " where r.id > $1 order by r.id limit $2";

StockRow place_of(const pqxx::row& told) {
  return {.shop = ShopId{told[3].as<std::int64_t>()},
          .gtin = Gtin::from_number(told[4].as<std::int64_t>())};
}

ChangedReading about(const StockRow& row) { return {row.id, row.shop, row.gtin}; }

void add(Fold& state, const HistoryEntry& line, bool voided) {
  fold_next(state.shelf, line.event, voided);
  state.received_at = std::max(state.received_at, line.received_at);
  if (line.outcome == EventOutcome::applied && line.version > state.version) {
    state.version = line.version;
    state.observed_at = line.event.observed_at;
    state.updated_at = line.received_at;
  }
}

/// Returns: what the events of the readings above `after` up to `last` lead to.
std::map<std::int64_t, Fold> fold_events(Connection& connection, std::int64_t after,
                                         std::int64_t last) {
  // kEventColumns has 14.
  static const std::string kStatement =
      "select " + postgres::kEventColumns +
      ", exists (select from stock_events v where v.voids = e.id) from stock_events e where"
      " (reading_id, observed_at, id) > ($1::bigint, 'epoch'::timestamptz + $2::bigint * interval "
      "'1 microsecond', $3::uuid) and reading_id <= $4::bigint order by reading_id, observed_at, "
      "id limit $5";
  std::map<std::int64_t, Fold> folded;
  // Nothing comes after the last moment and id of a reading.
  std::int64_t reading = after;
  std::int64_t observed_at = 250'000'000'000'000'000;
  std::string id = "ffffffff-ffff-ffff-ffff-ffffffffffff";
  for (;;) {
    const auto page =
        connection.exec_params(kStatement, reading, observed_at, id, last, kEventsAtATime);
    for (const pqxx::row& line : page) {
      const HistoryEntry entry = postgres::event_of(line);
      add(folded[entry.reading.value()], entry, line[14].as<bool>());
      reading = entry.reading.value();
      observed_at = entry.event.observed_at.time_since_epoch().count();
      id = to_string(entry.event.id);
    }
    if (page.size() < kEventsAtATime) return folded;
  }
}

/// Writes the row as its events say, if it still differs.
void mend_once(Connection& connection, Invalidation& invalidation, const ChangedReading& reading) {
  StockRows rows;
  rows.emplace(StockKey{reading.shop.value(), reading.gtin.number()},
               StockRow{reading.shop, reading.gtin});
  WriteTransaction transaction{connection,
                               {{product_lock(reading.gtin), LockMode::shared},
                                {shop_lock(reading.shop), LockMode::shared},
                                {reading_lock(reading.shop, reading.gtin), LockMode::shared}},
                               {},
                               keys_of(rows)};
  load(transaction.told(), rows);
  StockRow& row = rows.begin()->second;
  if (!row.exists) return;
  const auto folded = fold_events(connection, row.id.value() - 1, row.id.value());
  const auto found = folded.find(row.id.value());
  // A row without events: nobody recorded it.
  const Fold events = found != folded.end() ? found->second
                                            : Fold{.shelf = {.folded_at = row.shelf.folded_at},
                                                   .version = row.version,
                                                   .observed_at = row.observed_at,
                                                   .updated_at = row.updated_at,
                                                   .received_at = row.received_at};
  if (compare(row, events).empty()) return;

  // What people saw of the damage had a version, so what they see now needs another one.
  const bool own_version = row.version > events.version;
  const bool seen = !looks_same(row.shelf, events.shelf) || row.version < events.version ||
                    (!own_version && (row.observed_at != events.observed_at ||
                                      row.updated_at != events.updated_at));
  if (!own_version) {
    row.observed_at = events.observed_at;
    row.updated_at = events.updated_at;
  }
  row.version = std::max(row.version, events.version) + (seen ? 1 : 0);
  row.shelf = events.shelf;
  row.received_at = events.received_at;
  row.touched = row.changed = true;
  const auto deletions = invalidation.begin({.readings = {reading}, .shop_lists = {reading.shop}},
                                            transaction.slots(invalidation.slot_count()));
  write(transaction, rows, {}, {});
  deletions->acknowledge();
  transaction.commit();
}

class Check {
 public:
  Check(const PostgresOptions& options, Invalidation* mend,
        const std::function<void(const LedgerDifference&)>& differs)
      : options_{options}, mend_{mend}, differs_{differs} {}

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
  /// Compares the readings with ids above `after`, which moves on. Returns: whether there are more.
  bool chunk(std::int64_t& after) {
    std::vector<LedgerDifference> found;
    bool more = false;
    {
      // One moment for rows and events.
      Transaction transaction{connection(), Transaction::Access::read_only,
                              "set transaction isolation level repeatable read"};
      const auto rows = connection().exec_params(kRows, after, kReadingsAtATime);
      more = rows.size() == kReadingsAtATime;
      const std::int64_t last = more ? rows[rows.size() - 1][1].as<std::int64_t>()
                                     : std::numeric_limits<std::int64_t>::max();
      auto folded = fold_events(connection(), after, last);
      for (const pqxx::row& each : rows) {
        StockRow row = place_of(each);
        load(each, row);
        ++counts_.checked;
        const auto events = folded.extract(row.id.value());
        auto what = events.empty() ? std::vector<std::string>{"it has no events"}
                                   : compare(row, events.mapped());
        if (events.empty() && !row.shelf.present) what.clear();
        if (!what.empty()) found.push_back({row.id, about(row), std::move(what)});
      }
      for (const auto& [id, state] : folded)
        found.push_back({ReadingId{id}, std::nullopt, {"there are events, and no row"}});
      after = last;
    }
    for (auto& difference : found) {
      ++counts_.differing;
      if (mend_ != nullptr && difference.row) difference.mended = mend(*difference.row);
      if (difference.mended) ++counts_.mended;
      differs_(difference);
    }
    return more;
  }

  /// Returns: true; the row is as its events say.
  bool mend(const ChangedReading& about) {
    for (int number = 1;; ++number) {
      try {
        mend_once(connection(), *mend_, about);
        return true;
      } catch (const postgres::Conflict& conflict) {
        if (number == kAttemptsMax) throw Unavailable{"postgres", conflict.what()};
      } catch (const InDoubt& doubt) {
        if (number == kAttemptsMax)
          throw Unavailable{"postgres", doubt.what()};  // done or not, it can be repeated
      }
    }
  }

  Connection& connection() { return postgres::renewed(connection_, options_); }

  const PostgresOptions options_;
  Invalidation* const mend_;
  const std::function<void(const LedgerDifference&)>& differs_;
  std::unique_ptr<Connection> connection_;
  LedgerCheckCounts counts_;
};

}  // namespace

LedgerCheckCounts check_ledger(const PostgresOptions& options, Invalidation* mend,
                               const std::function<void(const LedgerDifference&)>& differs,
                               const std::function<void(const LedgerCheckCounts&)>& progress) {
  return Check{options, mend, differs}.run(progress);
}

}  // namespace codasync::storage
