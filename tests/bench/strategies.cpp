// Compares three strategies for many writers of one row or of many, on the same tables and with the
// same durability:
//
//   optimistic   read, decide, UPDATE … WHERE version = the version read; repeat after a conflict
//   pessimistic  SELECT … FOR UPDATE, decide, UPDATE, COMMIT; one transaction per write
//   combined     the ledger of the service: concurrent writes share one transaction
//
// Each write adds one unit and appends one event. Prints one JSON object per line: strategy,
// writers, rows, writes per second, attempts per write. It writes to the database of
// CODASYNC_DATABASE_URL, which has to be migrated.
//
//   strategies --seconds 3

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>
#include <memory>
#include <pqxx/pqxx>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "storage/ledger/combiner.hpp"
#include "tests/bench/plain_ledger.hpp"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRowsMax = 10'000;
// Further writers wait for a connection, as with a pool: PostgreSQL allows 100 connections by
// default.
constexpr std::size_t kConnectionsMax = 64;

struct Count {
  std::atomic<std::size_t> writes{0};
  std::atomic<std::size_t> attempts{0};
};

/// Readings of a new shop, so that repeated runs do not use the same rows.
struct Rows {
  codasync::ShopId shop;
  std::vector<std::int64_t> ids;
  std::vector<codasync::Gtin> gtins;
};

Rows make_rows(const std::string& url) {
  pqxx::connection connection{url};
  pqxx::work work{connection};
  const auto name = "strategies " + std::to_string(std::random_device{}());
  const auto shop = work.exec_params1("insert into shops (name) values ($1) returning id", name)[0]
                        .as<std::int64_t>();
  work.exec_params(
      "insert into products (gtin, name) select 95200000000000 + n, 'bench' from "
      "generate_series(1, $1::integer) n"
      " on conflict do nothing",
      kRowsMax);
  Rows rows{codasync::ShopId{shop}, {}, {}};
  for (const auto& row :
       work.exec_params("insert into stock_readings (shop_id, gtin, quantity, plain, lowest, "
                        "version, observed_at, updated_at, received_at, present)"
                        " select $1, 95200000000000 + n, 0, 0, 0, 1, now(), now(), now(), true"
                        " from generate_series(1, $2::integer) n returning id, gtin",
                        shop, kRowsMax)) {
    rows.ids.push_back(row[0].as<std::int64_t>());
    rows.gtins.push_back(codasync::Gtin::from_number(row[1].as<std::int64_t>()));
  }
  work.commit();
  return rows;
}

constexpr auto kInsertEvent =
    "insert into stock_events (id, reading_id, kind, delta, observed_at, received_at, token_id, "
    "actor, outcome, version) values (gen_random_uuid(), $1, 'a', 1, now(), now(), 0, 'bench', "
    "'a', $2)";

bool write_optimistic(pqxx::connection& connection, std::int64_t id) {
  pqxx::work work{connection};
  const auto row =
      work.exec_params1("select version, quantity from stock_readings where id = $1", id);
  const auto seen = row[0].as<std::int64_t>();
  const auto quantity = row[1].as<std::int64_t>() + 1;
  const auto updated = work.exec_params(
      "update stock_readings set version = $2, quantity = $3, plain = $3 where id = $1 and version "
      "= $4",
      id, seen + 1, quantity, seen);
  if (updated.affected_rows() == 0) return false;
  work.exec_params(kInsertEvent, id, seen + 1);
  work.commit();
  return true;
}

/// One connection and one thread per writer, up to the size of the pool.
void run_optimistic(const std::string& url, const Rows& rows, std::size_t writers,
                    std::size_t spread, Clock::duration time, Count& count) {
  std::atomic<bool> stop{false};
  std::vector<std::jthread> threads;
  for (std::size_t writer = 0; writer < std::min(writers, kConnectionsMax); ++writer) {
    threads.emplace_back([&, writer] {
      pqxx::connection connection{url};
      std::minstd_rand random{static_cast<unsigned>(writer + 1)};
      while (!stop) {
        const auto id = rows.ids[random() % spread];
        do ++count.attempts;
        while (!write_optimistic(connection, id) && !stop);
        ++count.writes;
      }
    });
  }
  std::this_thread::sleep_for(time);
  stop = true;
}

/// Deletes nothing. It has the number of slots that is stored in the database; with another number
/// the ledger refuses to write.
class NoCache : public codasync::storage::Invalidation {
 public:
  explicit NoCache(const std::string& url) {
    pqxx::connection connection{url};
    pqxx::work work{connection};
    slots_ = work.exec1("select coalesce(slots, 0) from cache_settings")[0].as<std::size_t>();
  }

  std::unique_ptr<Pending> begin(const codasync::storage::Changes&,
                                 const codasync::storage::SlotStates&) override {
    struct Done : Pending {
      void acknowledge() override {}
    };
    return std::make_unique<Done>();
  }
  [[nodiscard]] std::size_t slot_count() const noexcept override { return slots_; }

 private:
  std::size_t slots_{0};
};

/// Each writer waits for its result, as clients do. Writers share one thread and need no
/// connection.
void run_ledger(codasync::storage::StockLedger& ledger, const Rows& rows, std::size_t writers,
                std::size_t spread, Clock::duration time, Count& count) {
  std::atomic<bool> stop{false};
  std::counting_semaphore<> ended{0};
  const codasync::storage::Token actor{
      codasync::storage::kOperator, "bench", codasync::storage::Role::admin, {}, {}, {}};
  std::vector<std::function<void()>> next(writers);
  for (std::size_t writer = 0; writer < writers; ++writer) {
    next[writer] = [&, writer,
                    random =
                        std::make_shared<std::minstd_rand>(static_cast<unsigned>(writer + 1))] {
      ++count.attempts;
      codasync::storage::StockOperation operation{.shop = rows.shop,
                                                  .gtin = rows.gtins[(*random)() % spread],
                                                  .kind = codasync::EventKind::adjust,
                                                  .delta = 1,
                                                  .actor = actor};
      ledger.submit(std::move(operation),
                    [&, writer](const codasync::storage::StockResult& result) {
                      if (!std::holds_alternative<codasync::storage::Written>(result)) {
                        std::cerr << "strategies: a write failed\n";
                        std::_Exit(1);
                      }
                      ++count.writes;
                      if (stop) {
                        ended.release();
                      } else {
                        next[writer]();
                      }
                    });
    };
  }
  for (auto& start : next) start();
  std::this_thread::sleep_for(time);
  stop = true;
  for (std::size_t writer = 0; writer < writers; ++writer) ended.acquire();
}

void run_pessimistic(const std::string& url, const Rows& rows, std::size_t writers,
                     std::size_t spread, Clock::duration time, Count& count) {
  const auto ledger = codasync::bench::make_plain_ledger(url, std::min(writers, kConnectionsMax),
                                                         codasync::bench::Statements::unnamed);
  run_ledger(*ledger, rows, writers, spread, time, count);
}

void run_combined(const std::string& url, const Rows& rows, std::size_t writers, std::size_t spread,
                  Clock::duration time, Count& count) {
  codasync::storage::PostgresOptions postgres;
  postgres.url = codasync::Secret{url};
  NoCache cache{url};
  codasync::storage::LedgerObserver silent;
  const auto ledger = codasync::storage::make_combiner(postgres, {}, cache, silent);
  run_ledger(*ledger, rows, writers, spread, time, count);
}

void report(const char* strategy, std::size_t writers, std::size_t spread, double seconds,
            const Count& count) {
  std::cout << "{\"strategy\":\"" << strategy << "\",\"writers\":" << writers
            << ",\"rows\":" << spread
            << ",\"per_second\":" << static_cast<double>(count.writes) / seconds
            << ",\"attempts_per_write\":"
            << static_cast<double>(count.attempts) /
                   static_cast<double>(std::max<std::size_t>(1, count.writes))
            << "}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 3;
  CLI::App app{"Compares strategies for many writers of the same rows."};
  app.add_option("--seconds", seconds, "of each measurement")->check(CLI::Range(0.1, 60.0));
  CLI11_PARSE(app, argc, argv);
  const char* url = std::getenv("CODASYNC_DATABASE_URL");
  if (url == nullptr) {
    std::cerr
        << "strategies: CODASYNC_DATABASE_URL is not set; the state folder's env file has it.\n";
    return 2;
  }
  const auto time =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{seconds});
  const auto rows = make_rows(url);
  for (const std::size_t spread : {std::size_t{1}, kRowsMax}) {
    for (const std::size_t writers :
         {std::size_t{1}, std::size_t{8}, std::size_t{64}, std::size_t{256}}) {
      Count optimistic;
      run_optimistic(url, rows, writers, spread, time, optimistic);
      report("optimistic", writers, spread, seconds, optimistic);
      Count pessimistic;
      run_pessimistic(url, rows, writers, spread, time, pessimistic);
      report("pessimistic", writers, spread, seconds, pessimistic);
      Count combined;
      run_combined(url, rows, writers, spread, time, combined);
      report("combined", writers, spread, seconds, combined);
    }
  }
}
