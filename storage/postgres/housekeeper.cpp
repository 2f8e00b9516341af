#include "storage/housekeeper.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "storage/clock.hpp"
#include "storage/ledger/clock_repair.hpp"
#include "storage/mutex.hpp"
#include "storage/postgres/change_feed.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage {
namespace {

constexpr std::chrono::hours kEvery{1};
constexpr std::chrono::seconds kHorizonEvery{1};
constexpr std::chrono::seconds kClockEvery{5};
constexpr std::size_t kKeysAtATime = 5'000;      // some milliseconds of locks
constexpr std::size_t kChangesAtATime = 10'000;  // the same

/// Deletes rows in parts until none is left. Returns: the number of deleted rows.
std::size_t delete_all(postgres::Connection& connection, const std::stop_token& stop,
                       std::size_t at_a_time, const std::function<pqxx::result()>& delete_some) {
  std::size_t deleted = 0;
  while (!stop.stop_requested() && connection.usable()) {
    const std::size_t some = delete_some().affected_rows();
    deleted += some;
    if (some < at_a_time) break;
  }
  return deleted;
}

}  // namespace

std::size_t delete_old_keys(const PostgresOptions& options, const std::stop_token& stop) {
  postgres::Connection connection{options};
  return delete_all(connection, stop, kKeysAtATime, [&] {
    return connection.exec_params(
        "delete from idempotency_keys where name in (select name from idempotency_keys"
        " where created_at < clock_timestamp() - make_interval(days => $1::integer)"
        " limit $2::integer)",
        kIdempotencyKeysKept.count(), kKeysAtATime);
  });
}

std::size_t delete_old_changes(const PostgresOptions& options, const std::stop_token& stop) {
  postgres::Connection connection{options};
  // The position of the feed today: all transactions below it have ended.
  connection.exec(
      "insert into change_marks (day, xid) select (clock_timestamp() at time zone 'UTC')::date,"
      " pg_snapshot_xmin(pg_current_snapshot()) on conflict do nothing");
  const auto marks = connection.exec_params(
      "select day, xid from change_marks where day <= (clock_timestamp() at time zone 'UTC')::date "
      "-"
      " $1::integer order by day desc limit 1",
      kChangesKept.count());
  if (marks.empty()) return 0;
  const auto day = marks[0][0].as<std::string>();
  const auto below = marks[0][1].as<std::string>();
  // Cursors are refused before the rows that they need are deleted.
  connection.exec_params(
      "update ledger_settings set purged_below = $1::xid8 where purged_below < $1::xid8", below);
  std::size_t deleted = 0;
  for (const pqxx::row& shop : connection.exec("select id from shops order by id")) {
    deleted += delete_all(connection, stop, kChangesAtATime, [&] {
      return connection.exec_params(
          "delete from changes where (shop_id, xid, reading_id) in (select shop_id, xid, reading_id"
          " from changes where shop_id = $1 and xid < $2::xid8 limit $3::integer)",
          shop[0].as<std::int64_t>(), below, kChangesAtATime);
    });
  }
  connection.exec_params("delete from change_marks where day < $1::date", day);
  return deleted;
}

void delete_old_devices(const PostgresOptions& options) {
  postgres::Connection connection{options};
  connection.exec_params(
      "delete from devices where seen_at < clock_timestamp() - make_interval(days => $1::integer)",
      kDevicesKept.count());
}

void keep_ledger_partitions(const PostgresOptions& options) {
  postgres::Connection connection{options};
  connection.exec("select keep_ledger_partitions()");
}

namespace {

/// Reads the horizon of the feed, and compares the database's clock with those of this process: it
/// reports and repairs differences.
class Monitor {
 public:
  Monitor(const PostgresOptions& options, Invalidation& invalidation, HousekeeperObserver& observer)
      : options_{options}, invalidation_{invalidation}, observer_{observer} {}

  /// Reads the horizon of the change feed on the same connection. Throws: Unavailable.
  void read_horizon() {
    observer_.on_feed_horizon(postgres::read_horizon(postgres::renewed(connection_, options_)));
  }

  /// Throws: Unavailable; the next check continues.
  void check(const std::stop_token& stop) {
    auto& connection = postgres::renewed(connection_, options_);
    const auto sent = now();
    const auto database =
        postgres::instant_of(connection.exec("select micros_of(clock_timestamp())")[0][0]);
    note_offset(clock_offset(database, sent, now()));
    const auto ahead = std::chrono::floor<std::chrono::microseconds>(
        database.time_since_epoch() - std::chrono::steady_clock::now().time_since_epoch());
    if (ahead_ && ahead > *ahead_ - kSetBackMin) {
      ahead_ = std::max(*ahead_, ahead);
      return;
    }
    const auto readings = repair_clock_everywhere(connection_, options_, invalidation_, stop);
    if (readings > 0) observer_.on_clock_repair(readings);
    ahead_ = ahead;
  }

 private:
  // Half of the tolerance: events further in the future than the tolerance are repaired.
  static constexpr auto kSetBackMin = kClockTolerance / 2;

  void note_offset(std::chrono::microseconds offset) {
    const bool is_off = std::chrono::abs(offset) > kClockDifferenceWarning;
    if (is_off != was_off_) observer_.on_clock_offset(offset);
    was_off_ = is_off;
  }

  const PostgresOptions& options_;
  Invalidation& invalidation_;
  HousekeeperObserver& observer_;
  std::unique_ptr<postgres::Connection> connection_;
  // The largest lead of the database's clock over the steady clock; nullopt: not known yet.
  std::optional<std::chrono::microseconds> ahead_;
  bool was_off_{false};
};

void run_housekeeping(const PostgresOptions& options, const SessionOptions& sessions,
                      Invalidation& invalidation, HousekeeperObserver& observer,
                      const std::stop_token& stop) {
  Mutex mutex;
  StoppableCondition stopped;
  Monitor monitor{options, invalidation, observer};
  const auto try_to = [&](const auto& work) {
    try {
      work();
    } catch (const std::exception& failure) {
      observer.on_failure(failure.what());
    }
  };
  auto next_round = std::chrono::steady_clock::now();
  auto next_check = next_round;
  while (!stop.stop_requested()) {
    try_to([&] { monitor.read_horizon(); });
    if (std::chrono::steady_clock::now() >= next_check) {
      next_check = std::chrono::steady_clock::now() + kClockEvery;
      try_to([&] { monitor.check(stop); });
    }
    if (std::chrono::steady_clock::now() >= next_round) {
      next_round += kEvery;
      try_to([&] { keep_ledger_partitions(options); });
      try_to([&] { delete_old_keys(options, stop); });
      try_to([&] { delete_old_changes(options, stop); });
      try_to([&] { delete_old_devices(options); });
      try_to([&] { delete_ended_sessions(options, sessions); });
    }
    MutexLock hold{mutex};
    stopped.wait_for(hold, stop, kHorizonEvery, [] { return false; });
  }
}

}  // namespace

Housekeeper::Housekeeper(const PostgresOptions& options, const SessionOptions& sessions,
                         Invalidation& invalidation, HousekeeperObserver& observer)
    : thread_{[options, sessions, &invalidation, &observer](const std::stop_token& stop) {
        run_housekeeping(options, sessions, invalidation, observer, stop);
      }} {}

}  // namespace codasync::storage
