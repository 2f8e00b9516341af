#include "storage/migrate.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "tests/support/database.hpp"

namespace codasync::storage {
namespace {

using test::TestDatabase;
using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<Migration> kTwo{{1, "first", "create table a (x int)"},
                                  {2, "second", "create table b (x int)"}};

class Migrate : public testing::Test {
 protected:
  TestDatabase database_{TestDatabase::Schema::none};
  const PostgresOptions options_ = database_.options();
};

TEST_F(Migrate, applies_what_is_missing_in_order_and_nothing_twice) {
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

TEST_F(Migrate, keeps_nothing_of_a_migration_that_fails) {
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

}  // namespace
}  // namespace codasync::storage
