#include "storage/ledger_check.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "storage/errors.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/write_transaction.hpp"

namespace codasync::storage {
namespace {

using postgres::Connection;
using postgres::Transaction;
using postgres::WriteTransaction;

constexpr std::size_t kReadingsAtATime = 500;
constexpr std::size_t kEventsAtATime = 2'000;
constexpr int kAttemptsMax = 4;

/// What a row says, or should say.
struct RowState {
  Shelf shelf;
  std::int64_t version{0};  // of the newest event that people saw
  Instant observed_at{};    // of that event
  Instant updated_at{};     // its arrival
  Instant received_at{};    // newest arrival
};

struct Row {
  ChangedReading about;
  RowState state;
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
std::vector<std::string> compare(const RowState& row, const RowState& events) {
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

const std::string& row_columns() {
  using postgres::days;
  using postgres::micros;
  static const std::string kColumns =
      "id, shop_id, gtin, removed, " + days("expiry_date") + ", date_kind, balance, version, " +
      micros("observed_at") + ", " + micros("updated_at") + ", " + micros("folded_at") + ", " +
      micros("checked_at") + ", " + micros("counted_at") + ", " + micros("received_at");
  return kColumns;
}

std::optional<Instant> maybe_instant(const pqxx::field& field) {
  return field.is_null() ? std::nullopt : std::optional{postgres::instant_of(field)};
}

Row row_of(const pqxx::row& row) {
  Row made{.about = {ReadingId{row[0].as<std::int64_t>()}, ShopId{row[1].as<std::int64_t>()},
                     Gtin::from_number(row[2].as<std::int64_t>())},
           .state = {}};
  auto& state = made.state;
  state.shelf.present = !row[3].as<bool>();
  if (!row[4].is_null()) {
    state.shelf.date = ShelfDate{std::chrono::sys_days{std::chrono::days{row[4].as<int>()}},
                                 row[5].is_null() ? std::nullopt : parse_date_kind(row[5].c_str())};
  }
  if (!row[6].is_null()) state.shelf.balance = row[6].as<std::int64_t>();
  state.version = row[7].as<std::int64_t>();
  state.observed_at = postgres::instant_of(row[8]);
  state.updated_at = postgres::instant_of(row[9]);
  state.shelf.folded_at = maybe_instant(row[10]);
  state.shelf.checked_at = maybe_instant(row[11]);
  state.shelf.counted_at = maybe_instant(row[12]);
  state.received_at = postgres::instant_of(row[13]);
  return made;
}

void add(RowState& state, const HistoryEntry& line, bool voided) {
  fold_next(state.shelf, line.event, voided);
  state.received_at = std::max(state.received_at, line.received_at);
  if (line.outcome == EventOutcome::applied && line.version > state.version) {
    state.version = line.version;
    state.observed_at = line.event.observed_at;
    state.updated_at = line.received_at;
  }
}

/// Returns: what the events of the readings above `after` up to `last` lead to.
std::map<std::int64_t, RowState> fold_events(Connection& connection, std::int64_t after,
                                             std::int64_t last) {
  // kEventColumns has 14.
  static const std::string kStatement =
      "select " + postgres::kEventColumns +
      ", exists (select from stock_events v where v.voids = e.id) from stock_events e where"
      " (reading_id, observed_at, id) > ($1::bigint, 'epoch'::timestamptz + $2::bigint * interval "
      "'1 microsecond', $3::uuid) and reading_id <= $4::bigint order by reading_id, observed_at, "
      "id limit $5";
  std::map<std::int64_t, RowState> folded;
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

/// Writes the row as its events say, if it still differs. Returns: whether it did.
bool mend_once(Connection& connection, Invalidation& invalidation, const ChangedReading& about) {
  WriteTransaction transaction{connection,
                               {{product_lock(about.gtin), LockMode::shared},
                                {shop_lock(about.shop), LockMode::shared},
                                {reading_lock(about.shop, about.gtin), LockMode::shared}},
                               {}};
  const auto rows = transaction.exec_params(
      "select " + row_columns() + " from stock_readings where id = $1 for update",
      about.id.value());
  if (rows.empty()) return false;
  const Row row = row_of(rows[0]);
  const auto folded = fold_events(connection, about.id.value() - 1, about.id.value());
  const auto found = folded.find(about.id.value());
  // A row without events: nobody recorded it.
  RowState events = found == folded.end() ? row.state : found->second;
  if (found == folded.end()) events.shelf = Shelf{.folded_at = row.state.shelf.folded_at};
  if (compare(row.state, events).empty()) return false;

  // What people saw of the damage had a version, so what they see now needs another one.
  const bool own_version = row.state.version > events.version;
  const bool seen =
      !looks_same(row.state.shelf, events.shelf) || row.state.version < events.version ||
      (!own_version &&
       (row.state.observed_at != events.observed_at || row.state.updated_at != events.updated_at));
  if (own_version) {
    events.observed_at = row.state.observed_at;
    events.updated_at = row.state.updated_at;
  }
  events.version = std::max(row.state.version, events.version) + (seen ? 1 : 0);
  const auto deletions = invalidation.begin({.readings = {about}, .shop_lists = {about.shop}},
                                            transaction.slots(invalidation.slot_count()));
  const auto micros = [](const std::optional<Instant>& moment) {
    return moment ? std::optional{moment->time_since_epoch().count()} : std::nullopt;
  };
  const auto& shelf = events.shelf;
  transaction.exec_params(
      "update stock_readings set removed = $2, expiry_date = date '1970-01-01' + $3::integer,"
      " date_kind = $4, balance = $5, version = $6, observed_at = instant_of($7), updated_at ="
      " instant_of($8), folded_at = instant_of($9), checked_at = instant_of($10), counted_at ="
      " instant_of($11), received_at = instant_of($12), change_xid = pg_current_xact_id()"
      " where id = $1",
      about.id.value(), !shelf.present,
      shelf.date ? std::optional{std::chrono::sys_days{shelf.date->date}.time_since_epoch().count()}
                 : std::nullopt,
      shelf.date && shelf.date->kind ? std::optional{std::string{name_of(*shelf.date->kind)}}
                                     : std::nullopt,
      shelf.balance, events.version, *micros(events.observed_at), *micros(events.updated_at),
      micros(shelf.folded_at), micros(shelf.checked_at), micros(shelf.counted_at),
      *micros(events.received_at));
  deletions->acknowledge();
  transaction.commit();
  return true;
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
      const auto rows = connection().exec_params(
          "select " + row_columns() + " from stock_readings where id > $1 order by id limit $2",
          after, kReadingsAtATime);
      more = rows.size() == kReadingsAtATime;
      const std::int64_t last = more ? rows[rows.size() - 1][0].as<std::int64_t>()
                                     : std::numeric_limits<std::int64_t>::max();
      auto folded = fold_events(connection(), after, last);
      for (const pqxx::row& each : rows) {
        const Row row = row_of(each);
        ++counts_.checked;
        const auto events = folded.extract(row.about.id.value());
        auto what = events.empty() ? std::vector<std::string>{"it has no events"}
                                   : compare(row.state, events.mapped());
        if (events.empty() && !row.state.shelf.present) what.clear();
        if (!what.empty()) found.push_back({row.about.id, row.about, std::move(what)});
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

  Connection& connection() {
    if (!connection_ || !connection_->usable()) {
      connection_.reset();
      connection_ = std::make_unique<Connection>(options_);
    }
    return *connection_;
  }

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
