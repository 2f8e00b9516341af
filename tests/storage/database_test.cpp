#include "storage/database.hpp"

#include <gmock/gmock.h>

#include <future>

#include "storage/errors.hpp"
#include "storage/make_storage.hpp"
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

class DatabaseTest : public testing::Test {
 protected:
  PostgresOptions options(milliseconds acquire_timeout = milliseconds{50}) const {
    PostgresOptions options = database_.options();
    options.connections_max = 1;
    options.fill_connections_max = 1;
    options.waiters_max = 1;
    options.lock_timeout = milliseconds{10};
    options.acquire_timeout = acquire_timeout;
    return options;
  }
  void kill_everybody_else() const {
    database_.run(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()");
  }

  test::TestDatabase database_;
};

TEST_F(DatabaseTest, fill_and_writer_of_the_same_data_exclude_each_other) {
  const auto storage = make_database(options());
  Connection connection{options()};
  {
    WriteTransaction writer{connection, {kWriterOfProduct}, {}};
    EXPECT_FALSE(storage->try_fill(std::vector{kProduct}));
  }
  const auto fill = storage->try_fill(std::vector{kProduct});
  ASSERT_TRUE(fill);
  EXPECT_THROW((WriteTransaction{connection, {kWriterOfProduct}, {}}), postgres::LockTimeout);
}

TEST_F(DatabaseTest, fill_gets_all_its_locks_or_none) {
  const auto storage = make_database(options());
  Connection connection{options()};
  WriteTransaction writer{connection, {kWriterOfProduct}, {}};
  const Lock free{shop_lock(ShopId{1}), LockMode::exclusive};
  EXPECT_FALSE(storage->try_fill(std::vector{free, kProduct}));
  EXPECT_TRUE(storage->try_fill(std::vector{free}));
}

TEST_F(DatabaseTest, fill_stores_only_in_slots_that_are_up) {
  database_.run(
      "insert into cache_slots values (1, 'down', now()), (2, 'down', '2000-01-01'), (3, 'up', "
      "now())");
  const auto fill = make_database(options())->try_fill(std::vector{kProduct});
  ASSERT_TRUE(fill);
  EXPECT_TRUE(fill->may_store(0));
  EXPECT_FALSE(fill->may_store(1));
  EXPECT_FALSE(fill->may_store(2));
  EXPECT_TRUE(fill->may_store(3));
  EXPECT_TRUE(fill->may_store(100));
}

TEST_F(DatabaseTest, fill_reads_what_committed_before_its_locks) {
  const auto storage = make_database(options());
  database_.run("insert into shops (name) values ('North')");
  const auto fill = storage->try_fill(std::vector{Lock{shop_lock(ShopId{1}), LockMode::shared}});
  ASSERT_TRUE(fill);
  EXPECT_EQ(fill->reader().shop(ShopId{1})->name, "North");
}

TEST_F(DatabaseTest, fills_do_not_starve_reads) {
  const auto storage = make_database(options());
  const auto fill = storage->try_fill(std::vector{kProduct});
  EXPECT_NO_THROW(storage->read()->shop(ShopId{1}));
}

TEST_F(DatabaseTest, refuses_when_no_connection_becomes_free_in_time) {
  const auto storage = make_database(options());
  const auto busy = storage->read();
  try {
    storage->read();
    FAIL() << "there is only one connection";
  } catch (const Unavailable& refusal) {
    EXPECT_EQ(refusal.dependency(), "queue");
  }
}

TEST_F(DatabaseTest, hands_a_connection_to_the_one_who_waits) {
  const auto storage = make_database(options(milliseconds{20'000}));
  auto busy = storage->read();
  auto waiter = std::async(std::launch::async, [&] { return storage->read()->shop(ShopId{1}); });
  busy.reset();
  EXPECT_FALSE(waiter.get());
}

TEST_F(DatabaseTest, replaces_a_connection_that_was_killed_while_idle) {
  const auto storage = make_database(options());
  storage->read()->shop(ShopId{1});
  kill_everybody_else();
  EXPECT_NO_THROW(storage->read()->shop(ShopId{1}));
}

TEST_F(DatabaseTest, throws_a_connection_away_that_broke_in_use) {
  if (test::TestDatabase::pooled()) GTEST_SKIP() << "PgBouncer replaces it between two statements";
  const auto storage = make_database(options());
  {
    const auto reader = storage->read();
    kill_everybody_else();
    EXPECT_THROW(reader->shop(ShopId{1}), Unavailable);
    EXPECT_THROW(reader->shop(ShopId{1}), Unavailable);
  }
  EXPECT_NO_THROW(storage->read()->shop(ShopId{1}));
}

TEST_F(DatabaseTest, lost_fill_gives_its_locks_back) {
  const auto storage = make_database(options());
  const auto fill = storage->try_fill(std::vector{kProduct});
  kill_everybody_else();
  EXPECT_THROW(fill->reader().product(kTea), Unavailable);
  Connection connection{options()};
  EXPECT_NO_THROW((WriteTransaction{connection, {kWriterOfProduct}, {}}));
}

TEST_F(DatabaseTest, ping_wants_the_schema_of_this_program) {
  const auto storage = make_database(options());
  EXPECT_NO_THROW(storage->ping());
  database_.run("delete from schema_migrations");
  EXPECT_THROW(storage->ping(), Unavailable);
  database_.run("drop table schema_migrations");
  EXPECT_THROW(storage->ping(), Unavailable);
}

}  // namespace
}  // namespace codasync::storage
