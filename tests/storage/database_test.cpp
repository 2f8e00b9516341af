#include "storage/database.hpp"

#include <gmock/gmock.h>

#include <future>

#include "storage/errors.hpp"
#include "storage/make_storage.hpp"
#include "storage/postgres/lock_statements.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "tests/support/database.hpp"

namespace codasync::storage {
namespace {

using postgres::Connection;
using postgres::WriteTransaction;
using std::chrono::milliseconds;

const Gtin kTea = Gtin::from_number(4006381333931);
const Lock kProduct{product_lock(kTea), LockMode::shared};
const Lock kWriterOfProduct{product_lock(kTea), LockMode::exclusive};

/// Records its calls.
struct RecordingObserver : PoolObserver {
  void on_lent(PoolName pool, Seconds wait) override {
    lent.push_back(pool);
    longest = std::max(longest, wait);
  }
  void on_returned(PoolName pool) override { returned.push_back(pool); }
  void on_refused(PoolName pool) override { refused.push_back(pool); }

  std::vector<PoolName> lent;
  std::vector<PoolName> returned;
  std::vector<PoolName> refused;
  Seconds longest{0};
};

class DatabaseTest : public testing::Test {
 protected:
  PostgresOptions options(milliseconds acquire_timeout = milliseconds{50}) const {
    PostgresOptions options = database_.options();
    options.connections_max = 1;
    options.fill_connections_max = 1;
    options.waiters_max = 1;
    options.acquire_timeout = acquire_timeout;
    return options;
  }
  /// Of a writer that does not wait for a fill.
  PostgresOptions impatient() const {
    PostgresOptions options = database_.options();
    options.lock_timeout = milliseconds{10};
    return options;
  }
  void kill_other_sessions() const {
    database_.run(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()");
  }

  test::TestDatabase database_;
};

TEST_F(DatabaseTest, fill_and_writer_of_the_same_data_exclude_each_other) {
  const auto storage = make_database(options());
  Connection connection{impatient()};
  {
    WriteTransaction writer{connection, {kWriterOfProduct}, {}};
    EXPECT_FALSE(storage->try_fill(std::vector{kProduct}));
  }
  const auto fill = storage->try_fill(std::vector{kProduct});
  ASSERT_TRUE(fill);
  EXPECT_THROW((WriteTransaction{connection, {kWriterOfProduct}, {}}), postgres::LockTimeout);
}

TEST_F(DatabaseTest, fill_that_pauses_ends_before_a_writer_fails) {
  auto shorter = options();
  shorter.lock_timeout = milliseconds{2000};
  const auto storage = make_database(shorter);
  const auto fill = storage->try_fill(std::vector{kProduct});
  ASSERT_TRUE(fill);
  Connection connection{shorter};
  EXPECT_NO_THROW((WriteTransaction{connection, {kWriterOfProduct}, {}}));
  EXPECT_THROW(fill->reader().product(kTea), Unavailable);
}

TEST_F(DatabaseTest, fill_takes_all_its_locks_or_no_lock) {
  const auto storage = make_database(options());
  Connection connection{impatient()};
  WriteTransaction writer{connection, {kWriterOfProduct}, {}};
  const Lock free{shop_lock(ShopId{1}), LockMode::exclusive};
  EXPECT_FALSE(storage->try_fill(std::vector{free, kProduct}));
  EXPECT_TRUE(storage->try_fill(std::vector{free}));
}

TEST_F(DatabaseTest, fill_of_several_entries_leaves_out_what_a_writer_holds) {
  const auto storage = make_database(options());
  Connection connection{impatient()};
  const Lock free{shop_lock(ShopId{1}), LockMode::exclusive};
  const Lock other{product_lock(Gtin::from_number(96385074)), LockMode::shared};
  std::unique_ptr<Fill> fill;
  {
    WriteTransaction writer{connection, {kWriterOfProduct}, {}};
    fill = storage->try_fill_each(std::vector{free, kProduct, other});
    ASSERT_TRUE(fill);
    EXPECT_TRUE(fill->left_out(kProduct.name));
    EXPECT_FALSE(fill->left_out(free.name));
    EXPECT_FALSE(fill->left_out(other.name));
  }
  EXPECT_NO_THROW((WriteTransaction{connection, {kWriterOfProduct}, {}})) << "it is not held";
  EXPECT_THROW((WriteTransaction{connection, {{free.name, LockMode::shared}}, {}}),
               postgres::LockTimeout);
  fill.reset();
  fill = storage->try_fill_each(std::vector{free, kProduct});
  ASSERT_TRUE(fill);
  EXPECT_FALSE(fill->left_out(kProduct.name));
}

TEST_F(DatabaseTest, fill_of_several_entries_needs_the_lock_of_the_slots) {
  const auto storage = make_database(options());
  Connection connection{impatient()};
  connection.exec("begin; select pg_advisory_xact_lock(" + std::to_string(slots_lock().number) +
                  ")");
  EXPECT_FALSE(storage->try_fill_each(std::vector{kProduct}));
  connection.exec("rollback");
  EXPECT_TRUE(storage->try_fill_each(std::vector{kProduct}));
}

/// Slot 0 is usable; 1 and 3 are unavailable, and 2 was emptied before a failover.
class FillOfSlots : public DatabaseTest {
 protected:
  FillOfSlots() {
    database_.run(
        "insert into cache_slots (slot, state, timeline) values (0, 'up', '00000001'), (1, "
        "'waiting', '00000001'), (2, 'up', '00000000'), (3, 'down', '00000001')");
    database_.run("update cache_settings set slots = 5, entry_life = 3605");
  }
  std::vector<std::size_t> storable(std::size_t slots = 5,
                                    std::chrono::seconds entry_lifetime = std::chrono::seconds{
                                        3605}) {
    auto changed = options();
    changed.cache_slots = slots;
    changed.cache_entry_lifetime = entry_lifetime;
    const auto database = make_database(changed);
    const auto fill = database->try_fill(std::vector{kProduct});
    std::vector<std::size_t> found;
    for (std::size_t slot = 0; slot < 6; ++slot) {
      if (fill->may_store(slot)) found.push_back(slot);
    }
    return found;
  }
};

TEST_F(FillOfSlots, stores_in_slots_that_are_up_and_were_emptied_for_this_timeline) {
  EXPECT_THAT(storable(), testing::ElementsAre(0));
}

TEST_F(FillOfSlots, stores_nothing_when_the_settings_of_the_process_differ) {
  EXPECT_THAT(storable(4), testing::IsEmpty());
  EXPECT_THAT(storable(5, std::chrono::seconds{3606}), testing::IsEmpty());
  EXPECT_THAT(storable(5, std::chrono::seconds{1}), testing::ElementsAre(0));
}

TEST_F(FillOfSlots, stores_nothing_while_fills_are_off) {
  database_.run("update cache_settings set fills = false");
  EXPECT_THAT(storable(), testing::IsEmpty());
}

TEST_F(FillOfSlots, blocks_changes_of_the_slots) {
  const auto database = make_database(options());
  const auto fill = database->try_fill(std::vector{kProduct});
  Connection connection{impatient()};
  EXPECT_THROW(
      (postgres::Transaction{connection, postgres::Transaction::Access::read_write,
                             postgres::wait_for_locks({{slots_lock(), LockMode::exclusive}})}),
      postgres::LockTimeout);
}

TEST_F(DatabaseTest, fill_has_its_start_by_the_clock_of_the_database) {
  const auto earlier =
      std::stoll(database_.run("select extract(epoch from clock_timestamp()) * 1e6"));
  const auto database = make_database(options());
  const auto fill = database->try_fill(std::vector{kProduct});
  const auto started_at = fill->started_at().time_since_epoch().count();
  const auto later =
      std::stoll(database_.run("select extract(epoch from clock_timestamp()) * 1e6"));
  EXPECT_LE(earlier, started_at);
  EXPECT_LE(started_at, later);
}

TEST_F(DatabaseTest, fill_reads_what_committed_before_its_locks) {
  const auto storage = make_database(options());
  database_.run("insert into shops (name) values ('North')");
  const auto fill = storage->try_fill(std::vector{Lock{shop_lock(ShopId{1}), LockMode::shared}});
  ASSERT_TRUE(fill);
  EXPECT_EQ(fill->reader().rows({.shops = {ShopId{1}}}).shops.at(ShopId{1}).name, "North");
}

TEST_F(DatabaseTest, fills_do_not_starve_reads) {
  const auto storage = make_database(options());
  const auto fill = storage->try_fill(std::vector{kProduct});
  EXPECT_NO_THROW(storage->read()->product(kTea));
}

TEST_F(DatabaseTest, fill_does_not_wait_for_a_connection) {
  RecordingObserver observer;
  const auto storage = make_database(options(milliseconds{20'000}), observer);
  auto fill = storage->try_fill(std::vector{kProduct});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(storage->try_fill(std::vector{Lock{shop_lock(ShopId{1}), LockMode::shared}}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds{10'000});
  EXPECT_THAT(observer.refused, testing::IsEmpty()) << "a read continues without a fill";
  fill.reset();
  EXPECT_TRUE(storage->try_fill(std::vector{kProduct}));
}

TEST_F(DatabaseTest, refuses_when_no_connection_becomes_free_in_time) {
  const auto storage = make_database(options());
  const auto busy = storage->read();
  try {
    storage->read();
    FAIL() << "the pool has one connection only";
  } catch (const Unavailable& refusal) {
    EXPECT_EQ(refusal.dependency(), "queue");
  }
}

TEST_F(DatabaseTest, gives_a_returned_connection_to_a_waiting_request) {
  const auto storage = make_database(options(milliseconds{20'000}));
  auto busy = storage->read();
  auto waiter = std::async(std::launch::async, [&] { return storage->read()->product(kTea); });
  busy.reset();
  EXPECT_FALSE(waiter.get());
}

TEST_F(DatabaseTest, replaces_a_connection_that_was_killed_while_idle) {
  const auto storage = make_database(options());
  storage->read()->product(kTea);
  kill_other_sessions();
  EXPECT_NO_THROW(storage->read()->product(kTea));
}

TEST_F(DatabaseTest, closes_a_connection_that_broke_in_use) {
  if (test::TestDatabase::pooled()) GTEST_SKIP() << "PgBouncer replaces it between two statements";
  const auto storage = make_database(options());
  {
    const auto reader = storage->read();
    kill_other_sessions();
    EXPECT_THROW(reader->product(kTea), Unavailable);
    EXPECT_THROW(reader->product(kTea), Unavailable);
  }
  EXPECT_NO_THROW(storage->read()->product(kTea));
}

TEST_F(DatabaseTest, fill_with_a_lost_connection_releases_its_locks) {
  const auto storage = make_database(options());
  const auto fill = storage->try_fill(std::vector{kProduct});
  kill_other_sessions();
  EXPECT_THROW(fill->reader().product(kTea), Unavailable);
  Connection connection{impatient()};
  EXPECT_NO_THROW((WriteTransaction{connection, {kWriterOfProduct}, {}}));
}

TEST_F(DatabaseTest, ping_requires_the_schema_of_this_program) {
  const auto storage = make_database(options());
  EXPECT_NO_THROW(storage->ping());
  database_.run("delete from schema_migrations");
  EXPECT_THROW(storage->ping(), Unavailable);
  database_.run("drop table schema_migrations");
  EXPECT_THROW(storage->ping(), Unavailable);
}

TEST_F(DatabaseTest, reports_lent_returned_and_refused_connections) {
  RecordingObserver observer;
  const auto storage = make_database(options(), observer);
  {
    const auto busy = storage->read();
    EXPECT_THROW(storage->read(), Unavailable);
    EXPECT_THAT(observer.returned, testing::IsEmpty());
  }
  storage->try_fill(std::vector{kProduct});
  EXPECT_THAT(observer.lent, testing::ElementsAre(PoolName::reads, PoolName::fills));
  EXPECT_THAT(observer.returned, testing::ElementsAre(PoolName::reads, PoolName::fills));
  EXPECT_THAT(observer.refused, testing::ElementsAre(PoolName::reads));
  EXPECT_GT(observer.longest.count(), 0);
}

TEST_F(DatabaseTest, reports_a_refusal_when_the_server_is_unavailable) {
  RecordingObserver observer;
  PostgresOptions nowhere;
  nowhere.url = Secret{"postgresql://127.0.0.1:1/nothing"};
  const auto storage = make_database(nowhere, observer);
  EXPECT_THROW(storage->read(), Unavailable);
  EXPECT_THAT(observer.refused, testing::ElementsAre(PoolName::reads));
  EXPECT_THAT(observer.lent, testing::IsEmpty());
  EXPECT_THAT(observer.returned, testing::IsEmpty());
}

}  // namespace
}  // namespace codasync::storage
