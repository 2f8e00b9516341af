#include <pqxx/pqxx>
#include <set>
#include <thread>

#include "tests/ledger/ledger_fixture.hpp"
#include "tests/support/process.hpp"

namespace codasync::test {
namespace {

class LedgerUnderFaults : public LedgerTest {};

/// Another session that holds a row lock until it is destroyed.
class RowLock {
 public:
  RowLock(const TestDatabase& database, Gtin gtin)
      : connection_{database.url()}, transaction_{connection_} {
    transaction_.exec("select 1 from stock_readings where gtin = " + std::to_string(gtin.number()) +
                      " for update");
  }

 private:
  pqxx::connection connection_;
  pqxx::work transaction_;
};

TEST_F(LedgerUnderFaults, makes_only_the_writers_of_a_locked_row_wait) {
  postgres.lock_timeout = std::chrono::milliseconds{300};
  options.lanes = 1;
  open();
  perform(sighting(24, kTea));
  perform(sighting(24, kMilk));
  {
    const RowLock other{database, kTea};
    std::vector<std::future<storage::StockResult>> tea;
    std::vector<std::future<storage::StockResult>> milk;
    for (int i = 0; i < 20; ++i) {
      tea.push_back(submit(sighting(20, kTea)));
      milk.push_back(submit(sighting(20, kMilk)));
    }
    for (auto& answer : milk) EXPECT_EQ(text(answer.get()).substr(0, 6) == "failed", false);
    for (auto& answer : tea) EXPECT_TRUE(std::holds_alternative<storage::Failed>(answer.get()));
  }
  EXPECT_EQ(text(perform(sighting(20, kTea))), "applied v2 2026-12-20 -");
}

// Two processes get one operation at once: the second one waits for the row and must not look the
// name up before it has it.
TEST_F(LedgerUnderFaults, applies_an_operation_once_that_two_processes_wait_with) {
  perform(count(10));
  const auto counted = *Uuid::parse(database.run("select id from stock_events"));
  const auto second = storage::make_combiner(postgres, options, invalidation, observer);
  const auto at_once = [&](const storage::StockOperation& operation) {
    std::vector<std::future<storage::StockResult>> answers;
    {
      const RowLock other{database, kTea};
      for (auto* process : {ledger.get(), second.get()}) {
        auto promise = std::make_shared<std::promise<storage::StockResult>>();
        answers.push_back(promise->get_future());
        process->submit(operation, [promise](storage::StockResult result) {
          promise->set_value(std::move(result));
        });
      }
      EXPECT_TRUE(eventually([&] {
        return database.run(
                   "select count(*) from pg_stat_activity where datname = current_database()"
                   " and wait_event_type = 'Lock' and query like '%begin_write%'") == "2";
      }));
    }
    std::multiset<std::string> told;
    for (auto& answer : answers) told.insert(text(answer.get()));
    return told;
  };
  using Told = std::multiset<std::string>;

  auto named = adjust(-1);
  named.observed_at = now();
  named.name = Uuid::v8(std::array<std::uint8_t, 16>{7});
  EXPECT_EQ(at_once(named), (Told{"applied v2 - 9", "duplicate v2 - 9"}));

  auto keyed = adjust(-1);
  keyed.idempotency_key = key("sale");
  EXPECT_EQ(at_once(keyed), (Told{"applied v3 - 8", "applied v3 - 8"})) << "one is the answer kept";
  keyed = sighting(24);
  keyed.idempotency_key = key("sighting");
  EXPECT_EQ(at_once(keyed), (Told{"applied v4 2026-12-24 8", "applied v4 2026-12-24 8"}));
  keyed = operation(EventKind::void_event);
  keyed.voids = counted;
  keyed.idempotency_key = key("void");
  EXPECT_EQ(at_once(keyed), (Told{"applied v5 2026-12-24 -", "applied v5 2026-12-24 -"}));
  keyed = operation(EventKind::remove);
  keyed.idempotency_key = key("remove");
  EXPECT_EQ(at_once(keyed), (Told{"applied v6 - - absent", "applied v6 - - absent"}));
  EXPECT_EQ(database.run("select count(*) from stock_events"), "6");
}

TEST_F(LedgerUnderFaults, lets_only_the_writers_of_a_reading_fail_that_takes_the_server_too_long) {
  options.lanes = 1;
  open();
  perform(sighting(24, kTea));
  perform(sighting(24, kMilk));
  database.run(
      "create function too_long() returns trigger language plpgsql as $$ begin"
      " if new.reading_id = 1 then raise exception 'too long' using errcode = '57014'; end if;"
      " return new; end $$;"
      " create trigger too_long before insert on stock_events for each row execute function"
      " too_long()");
  std::vector<std::future<storage::StockResult>> tea;
  std::vector<std::future<storage::StockResult>> milk;
  for (int i = 0; i < 20; ++i) {
    tea.push_back(submit(sighting(20, kTea)));
    milk.push_back(submit(sighting(20, kMilk)));
  }
  for (auto& answer : milk) EXPECT_TRUE(answered(answer.get()));
  for (auto& answer : tea) EXPECT_TRUE(std::holds_alternative<storage::Failed>(answer.get()));
}

TEST_F(LedgerUnderFaults, goes_on_after_its_connections_were_killed) {
  perform(count(0));
  for (int round = 0; round < 10; ++round) {
    database.run(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()");
    EXPECT_TRUE(answered(perform(adjust(1)))) << "round " << round;
  }
  EXPECT_EQ(database.run("select quantity from stock_readings"), "10");
}

// Backends die while writers write. Whatever a client was told is true: an answer is in the ledger
// once, a failure is not.
TEST_F(LedgerUnderFaults, tells_the_truth_while_backends_are_killed) {
  perform(count(0));
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> written{0};
  std::jthread killer{[&] {
    for (int kills = 0; kills < 60; ++kills) {
      const auto before = written.load();
      for (int waits = 0; waits < 10'000 && written < before + 5; ++waits)
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      database.run(
          "select count(pg_terminate_backend(pid)) from pg_stat_activity"
          " where datname = current_database() and pid <> pg_backend_pid()");
    }
    stop = true;
  }};
  std::atomic<std::int64_t> in_doubt{0};
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < 16; ++writer) {
      writers.emplace_back([&] {
        while (!stop) {
          const auto result = perform(adjust(1));
          if (answered(result)) ++written;
          if (const auto* failed = std::get_if<storage::Failed>(&result);
              failed != nullptr && failed->kind == storage::Failed::Kind::in_doubt)
            ++in_doubt;
        }
      });
    }
  }
  killer.join();
  EXPECT_GT(written, 0);
  EXPECT_EQ(in_doubt, 0);
  EXPECT_EQ(database.run("select quantity from stock_readings"), std::to_string(written));
  EXPECT_EQ(database.run("select count(*) from stock_events where kind = 'a'"),
            std::to_string(written));
  std::cout << "doubts resolved: " << observer.doubts << ", retries: " << observer.retries
            << ", written: " << written << "\n";
}

}  // namespace
}  // namespace codasync::test
