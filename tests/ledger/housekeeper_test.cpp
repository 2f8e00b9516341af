#include "storage/housekeeper.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "storage/ledger/clock_repair.hpp"
#include "tests/ledger/ledger_fixture.hpp"
#include "tests/support/process.hpp"

namespace codasync::test {
namespace {

/// Counts the repaired readings; no task of the housekeeper may fail.
struct ClockLog : storage::HousekeeperObserver {
  void on_failure(const std::string& what) override { ADD_FAILURE() << what; }
  void on_clock_offset(std::chrono::microseconds) override {}
  void on_clock_repair(std::size_t readings) override { repaired += readings; }
  void on_feed_horizon(storage::FeedHorizon) override {}
  std::atomic<std::size_t> repaired{0};
};

TEST(Housekeeper, deletes_idempotency_keys_after_seven_days_and_no_earlier) {
  const TestDatabase database;
  database.run(
      "insert into idempotency_keys (name, fingerprint, answer, created_at)"
      " select gen_random_uuid(), '\\x00', '', clock_timestamp() - make_interval(hours => n)"
      " from generate_series(1, 12000) n");
  EXPECT_EQ(storage::delete_old_keys(database.options()), 12000U - 167U);
  EXPECT_EQ(
      database.run(
          "select max(clock_timestamp() - created_at) < interval '7 days' from idempotency_keys"),
      "t");
  EXPECT_EQ(storage::delete_old_keys(database.options()), 0U);
}

TEST(Housekeeper, stops_after_the_running_statement) {
  const TestDatabase database;
  database.run(
      "insert into idempotency_keys (name, fingerprint, answer, created_at)"
      " select gen_random_uuid(), '\\x00', '', clock_timestamp() - interval '8 days'"
      " from generate_series(1, 100000) n;"
      // 20 statements of half a second.
      "create function slow() returns trigger language plpgsql as "
      "'begin perform pg_sleep(0.5); return null; end';"
      "create trigger slow before delete on idempotency_keys for each statement "
      "execute function slow()");
  const auto left = [&] {
    return std::stoi(database.run("select count(*) from idempotency_keys"));
  };
  RecordingInvalidation invalidation;
  ClockLog log;
  std::optional<storage::Housekeeper> housekeeper{std::in_place, database.options(),
                                                  storage::SessionOptions{}, invalidation, log};
  ASSERT_TRUE(eventually([&] { return left() < 100'000; }));
  const auto stopped = std::chrono::steady_clock::now();
  housekeeper.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, std::chrono::seconds{3});
  EXPECT_GT(left(), 50'000);
}

TEST(Housekeeper, deletes_changes_below_the_mark_of_thirty_days_ago) {
  const TestDatabase database;
  database.run(
      "insert into shops (name) values ('North'), ('South');"
      "insert into changes (shop_id, xid, reading_id) select 1 + n % 2, n::text::xid8, n from"
      " generate_series(1, 25000) n;"
      "insert into change_marks (day, xid) select current_date - n, (30000 - n * 500)::text::xid8"
      " from generate_series(1, 40) n");
  // The mark of 30 days ago is 15,000.
  EXPECT_EQ(storage::delete_old_changes(database.options()), 14'999U);
  EXPECT_EQ(database.run("select min(xid) from changes"), "15000");
  EXPECT_EQ(database.run("select purged_below from ledger_settings"), "15000");
  EXPECT_EQ(database.run("select current_date - min(day) from change_marks"), "30");
  EXPECT_EQ(database.run("select max(day) = (now() at time zone 'UTC')::date from change_marks"),
            "t");
  EXPECT_EQ(storage::delete_old_changes(database.options()), 0U);
}

TEST(Housekeeper, creates_the_partitions_of_the_next_months) {
  const TestDatabase database;
  const std::string partitions =
      "select count(*) from pg_inherits where inhparent = 'stock_events'::regclass";
  EXPECT_EQ(database.run(partitions), "4") << "all before, this month and the next two";
  database.run("drop table " +
               database.run("select max(inhrelid::regclass::text) from pg_inherits"
                            " where inhparent = 'stock_events'::regclass"
                            " and inhrelid::regclass::text <> 'stock_events_before'"));
  storage::keep_ledger_partitions(database.options());
  storage::keep_ledger_partitions(database.options());
  EXPECT_EQ(database.run(partitions), "4");
}

class ClockRepairTest : public LedgerTest {
 protected:
  /// As if the database's clock had been an hour ahead when the newest event was written.
  void set_database_clock_back() {
    database.run(
        "update stock_readings set received_at = received_at + interval '1 hour', updated_at = "
        "updated_at + interval '1 hour', observed_at = observed_at + interval '1 hour', newest_at "
        "= newest_at + interval '1 hour', looked_at = looked_at + interval '1 hour'");
    database.run(
        "update stock_events set received_at = received_at + interval '1 hour', observed_at = "
        "observed_at + interval '1 hour'");
  }

  ClockLog log;
};

// Events of a wrong clock must not override a late check, which can be the first operation after
// the clock was corrected.
TEST_F(ClockRepairTest, precedes_the_next_write_after_the_database_clock_was_wrong) {
  perform(sighting(5));
  set_database_clock_back();
  const storage::Housekeeper housekeeper{postgres, {}, invalidation, log};
  ASSERT_TRUE(eventually([&] { return log.repaired == 1; }));
  EXPECT_EQ(database.run("select received_at <= clock_timestamp() from stock_readings"), "t");
  auto check = operation(EventKind::check);
  check.date = ShelfDate{std::chrono::year{2026} / 12 / 20, {}};
  EXPECT_TRUE(text(perform(check)).find("2026-12-20") != std::string::npos);
}

TEST_F(ClockRepairTest, does_not_change_readings_without_events_in_the_future) {
  perform(sighting(5));
  perform(count(3, kMilk));
  const std::string rows = "select string_agg(r::text, ' ' order by id) from stock_readings r";
  const auto before = database.run(rows);
  std::unique_ptr<storage::postgres::Connection> connection;
  EXPECT_EQ(storage::repair_clock_everywhere(connection, postgres, invalidation, {}), 0U);
  EXPECT_EQ(database.run(rows), before);
}

}  // namespace
}  // namespace codasync::test
