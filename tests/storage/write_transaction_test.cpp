#include "storage/postgres/write_transaction.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "storage/postgres/lock_statements.hpp"
#include "tests/support/database.hpp"

namespace codasync::storage::postgres {
namespace {

using test::TestDatabase;
using testing::ElementsAre;

const Gtin kTea = Gtin::from_number(4012345678901);
const Lock kShared{product_lock(kTea), LockMode::shared};
const Lock kExclusive{product_lock(kTea), LockMode::exclusive};

class WriteTransactionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { database_ = std::make_unique<TestDatabase>(); }
  static void TearDownTestSuite() { database_.reset(); }

  static PostgresOptions with_short_lock_timeout() {
    PostgresOptions options = database_->options();
    options.lock_timeout = std::chrono::milliseconds{10};
    return options;
  }

  static bool can_have(Lock lock) {
    Connection connection{with_short_lock_timeout()};
    Transaction transaction{connection, Transaction::Access::read_only, try_locks({lock})};
    return transaction.first()[0][0].as<bool>();
  }

  static inline std::unique_ptr<TestDatabase> database_;
  Connection connection_{with_short_lock_timeout()};
};

TEST_F(WriteTransactionTest, shares_its_shared_locks_only) {
  {
    WriteTransaction holder{connection_, {kShared}};
    EXPECT_TRUE(can_have(kShared));
    EXPECT_FALSE(can_have(kExclusive));
    EXPECT_FALSE(can_have({slots_lock(), LockMode::exclusive}));
  }
  EXPECT_TRUE(can_have(kExclusive));
}

TEST_F(WriteTransactionTest, excludes_others_from_an_exclusive_lock) {
  WriteTransaction holder{connection_, {kExclusive}};
  EXPECT_FALSE(can_have(kShared));
}

TEST_F(WriteTransactionTest, waits_for_a_lock_no_longer_than_lock_timeout) {
  WriteTransaction holder{connection_, {kExclusive}};
  Connection other{with_short_lock_timeout()};
  EXPECT_THROW((WriteTransaction{other, {kShared}}), LockTimeout);
  EXPECT_TRUE(other.usable());
}

TEST_F(WriteTransactionTest, sets_its_time_limits_until_its_end_only) {
  PostgresOptions options = database_->options();
  options.lock_timeout = std::chrono::milliseconds{1234};
  options.statement_timeout = std::chrono::milliseconds{5678};
  Connection connection{options};
  const auto limits = [&] {
    std::vector<std::string> found;
    for (const char* name :
         {"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"}) {
      found.emplace_back(connection.exec(std::string{"show "} + name)[0][0].c_str());
    }
    return found;
  };
  const auto outside = limits();
  {
    WriteTransaction transaction{connection, {kShared}};
    EXPECT_THAT(limits(), ElementsAre("1234ms", "5678ms", "5678ms"));
    transaction.commit();
  }
  EXPECT_EQ(limits(), outside);
}

TEST_F(WriteTransactionTest, takes_its_locks_in_their_order) {
  const Lock first{product_lock(kTea), LockMode::exclusive};
  const Lock second{shop_lock(ShopId{1}), LockMode::exclusive};
  const Lock third{reading_lock(ShopId{1}, kTea), LockMode::exclusive};
  WriteTransaction obstacle{connection_, {second}};

  PostgresOptions options = database_->options();
  options.lock_timeout = std::chrono::seconds{30};
  Connection waiting{options};
  const std::string pid = waiting.exec("select pg_backend_pid()")[0][0].c_str();
  std::atomic<bool> has_all{false};
  std::jthread waiter{[&] {
    WriteTransaction transaction{waiting, {third, second, first}};
    has_all = true;
  }};
  while (database_->run("select wait_event_type from pg_stat_activity where pid = " + pid) !=
         "Lock") {
    std::this_thread::yield();
  }
  EXPECT_FALSE(can_have(first));
  EXPECT_TRUE(can_have(third));
  EXPECT_FALSE(has_all);
  obstacle.commit();
}

TEST_F(WriteTransactionTest, sees_rows_that_committed_while_it_waited_for_its_locks) {
  const auto count = [](WriteTransaction& transaction) {
    return transaction.exec_params("select count(*) from shops where name = 'late'")[0][0]
        .as<int>();
  };
  WriteTransaction obstacle{connection_, {kExclusive}};
  Connection waiting{database_->options()};
  const std::string pid = waiting.exec("select pg_backend_pid()")[0][0].c_str();
  int seen = -1;
  std::jthread waiter{[&] {
    WriteTransaction transaction{waiting, {kExclusive}, {.tokens = {TokenId{1}}}};
    seen = transaction.valid(TokenId{1}) ? count(transaction) : -2;
  }};
  while (database_->run("select wait_event_type from pg_stat_activity where pid = " + pid) !=
         "Lock") {
    std::this_thread::yield();
  }
  obstacle.exec_params("insert into shops (name) values ('late')");
  obstacle.exec_params(
      "insert into tokens (name, role, hash) values ('late', 'staff', sha256('late'))");
  obstacle.commit();
  waiter.join();
  EXPECT_EQ(seen, 1);
}

// An operator can change the default of a database, a role or a connection with one statement. The
// proof in cache/README.md requires READ COMMITTED.
class OtherDefaultIsolation : public testing::TestWithParam<const char*> {
 protected:
  OtherDefaultIsolation() {
    database_.run("alter database " + database_.name() + " set default_transaction_isolation = '" +
                  GetParam() + "'");
  }

  TestDatabase database_;
};

TEST_P(OtherDefaultIsolation, does_not_change_the_programs_transactions) {
  Connection connection{database_.options()};
  const auto isolation = [&] {
    return std::string{connection.exec("show transaction_isolation")[0][0].c_str()};
  };
  if (!TestDatabase::pooled()) {
    ASSERT_EQ(isolation(), GetParam());
  }
  for (const auto access : {Transaction::Access::read_only, Transaction::Access::read_write}) {
    const Transaction transaction{connection, access};
    EXPECT_EQ(isolation(), "read committed");
  }
  const WriteTransaction transaction{connection, {kShared}};
  EXPECT_EQ(isolation(), "read committed");
}

// A keeper empties a slot and sets it to `up` while a writer waits for the slots' lock.
TEST_P(OtherDefaultIsolation, writers_see_the_state_of_the_slots_under_their_locks) {
  database_.run("insert into cache_slots (slot, state) values (0, 'down')");
  Connection keeper{database_.options()};
  Transaction change{keeper, Transaction::Access::read_write,
                     wait_for_locks({{slots_lock(), LockMode::exclusive}})};
  keeper.exec("update cache_slots set state = 'up'");
  Connection waiting{database_.options()};
  SlotStates seen;
  std::jthread writer{[&] { seen = WriteTransaction{waiting, {kShared}}.slots(1); }};
  while (database_.run("select count(*) from pg_locks join pg_database on oid = database"
                       " where datname = current_database() and not granted") != "1") {
    std::this_thread::yield();
  }
  change.commit();
  writer.join();
  EXPECT_THAT(seen, ElementsAre(SlotState::up));
}

INSTANTIATE_TEST_SUITE_P(All, OtherDefaultIsolation,
                         testing::Values("repeatable read", "serializable"));

TEST_F(WriteTransactionTest, reads_which_tokens_are_valid) {
  database_->run(
      "insert into tokens (id, name, role, hash, expires_at, revoked_at) overriding system value "
      "values"
      " (10, 'good', 'staff', sha256('1'), null, null),"
      " (11, 'good until tomorrow', 'staff', sha256('2'), now() + '1 day', null),"
      " (12, 'expired', 'staff', sha256('3'), now() - '1 second'::interval, null),"
      " (13, 'revoked', 'staff', sha256('4'), null, now())");
  WriteTransaction transaction{
      connection_,
      {},
      {.tokens = {TokenId{10}, TokenId{11}, TokenId{12}, TokenId{13}, TokenId{14}}}};
  EXPECT_TRUE(transaction.valid(TokenId{10}));
  EXPECT_TRUE(transaction.valid(TokenId{11}));
  EXPECT_FALSE(transaction.valid(TokenId{12}));
  EXPECT_FALSE(transaction.valid(TokenId{13}));
  EXPECT_FALSE(transaction.valid(TokenId{14}));
}

TEST_F(WriteTransactionTest, sees_the_state_of_the_slots_under_its_locks) {
  database_->run(
      "update cache_settings set slots = null; delete from cache_slots;"
      "insert into cache_slots (slot, state) values (0, 'up'), (1, 'waiting'), (3, 'down')");
  WriteTransaction transaction{connection_, {}};
  EXPECT_THAT(transaction.slots(5), ElementsAre(SlotState::up, SlotState::waiting, SlotState::up,
                                                SlotState::down, SlotState::up));
  EXPECT_THAT(transaction.slots(1), ElementsAre(SlotState::up));
}

TEST_F(WriteTransactionTest, refuses_a_process_with_another_number_of_slots) {
  database_->run(
      "delete from cache_slots; insert into cache_slots (slot, state) values (0, 'down'); update "
      "cache_settings set slots = 2");
  {
    WriteTransaction transaction{connection_, {}};
    EXPECT_THAT(transaction.slots(2), ElementsAre(SlotState::down, SlotState::up));
    EXPECT_THROW(static_cast<void>(transaction.slots(3)), Unavailable);
    EXPECT_THROW(static_cast<void>(transaction.slots(1)), Unavailable);
    EXPECT_THROW(static_cast<void>(transaction.slots(0)), Unavailable);
  }
  // Long enough after `codasync cache off` no entry can be read.
  database_->run("insert into cache_slots (slot, state) values (1, 'down')");
  WriteTransaction transaction{connection_, {}};
  EXPECT_THAT(transaction.slots(3), ElementsAre(SlotState::down, SlotState::down, SlotState::down));
  EXPECT_THAT(transaction.slots(0), testing::IsEmpty());
}

TEST_F(WriteTransactionTest, rolls_back_when_it_is_not_committed) {
  {
    WriteTransaction transaction{connection_, {}};
    transaction.exec_params("insert into shops (name) values ('never')");
  }
  EXPECT_EQ(database_->run("select count(*) from shops where name = 'never'"), "0");
}

}  // namespace
}  // namespace codasync::storage::postgres
