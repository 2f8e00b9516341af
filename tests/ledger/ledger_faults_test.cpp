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

TEST_F(LedgerUnderFaults, delays_only_the_writers_of_a_locked_row) {
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
    for (auto& future : milk) EXPECT_EQ(text(future.get()).substr(0, 6) == "failed", false);
    for (auto& future : tea) EXPECT_TRUE(std::holds_alternative<storage::Failed>(future.get()));
  }
  EXPECT_EQ(text(perform(sighting(20, kTea))), "applied v2 2026-12-20 -");
}

// Two processes get the same operation concurrently: the second one waits for the row and must look
// the name up after it has the row lock.
TEST_F(LedgerUnderFaults, applies_an_operation_once_when_two_processes_wait_for_its_row) {
  perform(count(10));
  const auto counted = *Uuid::parse(database.run("select id from stock_events"));
  const auto second = storage::make_combiner(postgres, options, invalidation, observer);
  const auto at_once = [&](const storage::StockOperation& operation) {
    std::vector<std::future<storage::StockResult>> results;
    {
      const RowLock other{database, kTea};
      for (auto* process : {ledger.get(), second.get()}) {
        auto promise = std::make_shared<std::promise<storage::StockResult>>();
        results.push_back(promise->get_future());
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
    std::multiset<std::string> texts;
    for (auto& result : results) texts.insert(text(result.get()));
    return texts;
  };
  using Texts = std::multiset<std::string>;

  auto named = adjust(-1);
  named.observed_at = now();
  named.name = Uuid::v8(std::array<std::uint8_t, 16>{7});
  EXPECT_EQ(at_once(named), (Texts{"applied v2 - 9", "duplicate v2 - 9"}));

  auto keyed = adjust(-1);
  keyed.idempotency_key = key("sale");
  EXPECT_EQ(at_once(keyed), (Texts{"applied v3 - 8", "applied v3 - 8"}))
      << "one is the stored response";
  keyed = sighting(24);
  keyed.idempotency_key = key("sighting");
  EXPECT_EQ(at_once(keyed), (Texts{"applied v4 2026-12-24 8", "applied v4 2026-12-24 8"}));
  keyed = operation(EventKind::void_event);
  keyed.voids = counted;
  keyed.idempotency_key = key("void");
  EXPECT_EQ(at_once(keyed), (Texts{"applied v5 2026-12-24 -", "applied v5 2026-12-24 -"}));
  keyed = operation(EventKind::remove);
  keyed.idempotency_key = key("remove");
  EXPECT_EQ(at_once(keyed), (Texts{"applied v6 - - absent", "applied v6 - - absent"}));
  EXPECT_EQ(database.run("select count(*) from stock_events"), "6");
}

TEST_F(LedgerUnderFaults, fails_only_the_writers_of_a_reading_whose_statement_is_cancelled) {
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
  for (auto& future : milk) EXPECT_TRUE(accepted(future.get()));
  for (auto& future : tea) EXPECT_TRUE(std::holds_alternative<storage::Failed>(future.get()));
}

TEST_F(LedgerUnderFaults, continues_after_its_connections_were_killed) {
  perform(count(0));
  for (int round = 0; round < 10; ++round) {
    database.run(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()");
    EXPECT_TRUE(accepted(perform(adjust(1)))) << "round " << round;
  }
  EXPECT_EQ(database.run("select quantity from stock_readings"), "10");
}

// Backends are killed while writers write. Every result is correct: an accepted operation is in the
// ledger once, a failed one is not.
TEST_F(LedgerUnderFaults, returns_correct_results_while_backends_are_killed) {
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
          if (accepted(result)) ++written;
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
  std::cout << "resolved in-doubt transactions: " << observer.doubts
            << ", retries: " << observer.retries << ", written: " << written << "\n";
}

}  // namespace
}  // namespace codasync::test
