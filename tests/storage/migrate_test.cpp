#include "storage/migrate.hpp"

#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "storage/errors.hpp"
#include "storage/postgres/transaction.hpp"
#include "tests/support/database.hpp"
#include "tests/support/process.hpp"

namespace codasync::storage {
namespace {

using namespace std::chrono_literals;
using postgres::Connection;
using postgres::Transaction;
using test::eventually;
using test::TestDatabase;
using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<Migration> kTwo{{1, "first", "create table a (x int)"},
                                  {2, "second", "create table b (x int)"}};

class Migrate : public testing::Test {
 protected:
  TestDatabase database_{TestDatabase::Schema::none};
  const PostgresOptions options_ = database_.options();

  [[nodiscard]] PostgresOptions with_short_lock_timeout() const {
    auto options = options_;
    options.lock_timeout = 50ms;
    return options;
  }
  [[nodiscard]] std::future<std::vector<std::string>> start(
      std::span<const Migration> wanted) const {
    return std::async(std::launch::async,
                      [this, wanted] { return migrate(with_short_lock_timeout(), wanted); });
  }
  /// Returns: whether a session of the database waits for another one.
  [[nodiscard]] bool one_waits() const {
    return database_.run(
               "select count(*) from pg_stat_activity where datname = current_database() and "
               "wait_event_type = 'Lock'") == "1";
  }
};

TEST_F(Migrate, applies_missing_migrations_in_order_and_once) {
  EXPECT_THAT(migrate(options_, std::span{kTwo}.first(1)), ElementsAre("first"));
  EXPECT_THAT(migrate(options_, kTwo), ElementsAre("second"));
  EXPECT_THAT(migrate(options_, kTwo), IsEmpty());
  EXPECT_EQ(database_.run("select string_agg(name, ' ' order by number) from schema_migrations"),
            "first second");
}

TEST_F(Migrate, refuses_a_migration_that_was_changed) {
  migrate(options_, kTwo);
  auto changed = kTwo;
  changed[0].sql = "create table a (x bigint)";
  EXPECT_THROW(migrate(options_, changed), MigrationRefused);
}

TEST_F(Migrate, refuses_the_database_of_a_newer_program) {
  migrate(options_, kTwo);
  EXPECT_THROW(migrate(options_, std::span{kTwo}.first(1)), MigrationRefused);
}

TEST_F(Migrate, rolls_back_a_migration_that_fails) {
  auto wrong = kTwo;
  wrong[1].sql = "create table c (x int); create table c (x int)";
  EXPECT_THROW(migrate(options_, wrong), std::logic_error);
  EXPECT_EQ(database_.run("select to_regclass('c')"), "");
  EXPECT_THAT(migrate(options_, kTwo), ElementsAre("second"));
}

TEST_F(Migrate, by_several_programs_at_once_happens_once) {
  std::vector<std::vector<std::string>> applied(4);
  {
    std::vector<std::jthread> programs;
    for (auto& mine : applied) programs.emplace_back([&] { mine = migrate(options_); });
  }
  std::size_t count = 0;
  for (const auto& mine : applied) count += mine.size();
  EXPECT_EQ(count, migrations().size());
}

TEST_F(Migrate, waits_for_another_program_that_migrates_longer_than_for_a_table) {
  migrate(options_, std::span{kTwo}.first(1));
  Connection other{options_};
  Transaction migrating{other, Transaction::Access::read_write, "select pg_advisory_xact_lock(1)"};
  auto program = start(kTwo);
  EXPECT_EQ(program.wait_for(20 * with_short_lock_timeout().lock_timeout),
            std::future_status::timeout);
  migrating.commit();
  EXPECT_THAT(program.get(), ElementsAre("second"));
}

// Writers of the table wait behind the migration.
TEST_F(Migrate, fails_soon_when_a_table_is_in_use) {
  migrate(options_, std::span{kTwo}.first(1));
  Connection other{options_};
  const Transaction reading{other, Transaction::Access::read_only, "select from a"};
  const std::vector<Migration> wanted{kTwo[0], {2, "change", "alter table a add y int"}};
  EXPECT_THROW(migrate(with_short_lock_timeout(), wanted), postgres::LockTimeout);
}

/// A migration that builds an index while other sessions write.
class MigrateOutside : public Migrate {
 protected:
  MigrateOutside() {
    migrate(options_, std::span{kIndex}.first(1));
    database_.run("insert into a values (1), (2)");
  }
  [[nodiscard]] std::string index() const {
    return database_.run(
        "select case when indisvalid then 'valid' else 'invalid' end from pg_index where "
        "indexrelid = to_regclass('a_x')");
  }
  [[nodiscard]] std::string applied() const {
    return database_.run("select count(*) from schema_migrations");
  }

  static inline const std::vector<Migration> kIndex{
      {1, "table", "create table a (x int)"},
      {2, "index",
       "-- no transaction\n"
       "-- An interrupted run leaves an invalid index.\n"
       "drop index concurrently if exists a_x;\n"
       "create unique index concurrently a_x\n"
       "  on a (x);\n"}};
};

TEST_F(MigrateOutside, of_a_transaction_is_recorded_like_any_other) {
  EXPECT_THAT(migrate(options_, kIndex), ElementsAre("index"));
  EXPECT_EQ(index(), "valid");
  EXPECT_THAT(migrate(options_, kIndex), IsEmpty());
  auto changed = kIndex;
  changed[1].sql = "-- no transaction\nselect 1;\n";
  EXPECT_THROW(migrate(options_, changed), MigrationRefused);
}

TEST_F(MigrateOutside, of_a_transaction_starts_again_after_a_failure) {
  database_.run("insert into a values (2)");
  EXPECT_ANY_THROW(migrate(options_, kIndex));
  EXPECT_EQ(index(), "invalid");
  EXPECT_EQ(applied(), "1");
  database_.run("delete from a where x = 2");
  EXPECT_THAT(migrate(options_, kIndex), ElementsAre("index"));
  EXPECT_EQ(index(), "valid");
}

TEST_F(MigrateOutside, of_a_transaction_blocks_other_programs_and_no_writer) {
  Connection other{options_};
  // The index is not finished while a transaction runs that wrote before it was started.
  Transaction writing{other, Transaction::Access::read_write, "insert into a values (3)"};
  auto first = start(kIndex);
  ASSERT_TRUE(eventually([&] { return one_waits(); }));
  auto second = start(kIndex);
  EXPECT_EQ(second.wait_for(1s), std::future_status::timeout);
  database_.run("set lock_timeout = '5s'; insert into a values (4)");
  EXPECT_EQ(applied(), "1");
  writing.commit();
  EXPECT_EQ(first.get().size() + second.get().size(), 1U);
  EXPECT_EQ(index(), "valid");
}

TEST_F(MigrateOutside, of_a_transaction_starts_again_when_its_session_was_killed) {
  Connection other{options_};
  Transaction writing{other, Transaction::Access::read_write, "insert into a values (3)"};
  auto program = start(kIndex);
  ASSERT_TRUE(eventually([&] { return one_waits(); }));
  database_.run(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = "
      "current_database() and query like '%index concurrently%' and pid <> pg_backend_pid()");
  EXPECT_THROW(program.get(), Unavailable);
  writing.commit();
  EXPECT_EQ(index(), "invalid");
  EXPECT_EQ(applied(), "1");
  EXPECT_THAT(migrate(options_, kIndex), ElementsAre("index"));
  EXPECT_EQ(index(), "valid");
}

}  // namespace
}  // namespace codasync::storage
