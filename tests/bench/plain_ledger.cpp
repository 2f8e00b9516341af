#include "tests/bench/plain_ledger.hpp"

#include <pqxx/pqxx>
#include <thread>
#include <vector>

#include "storage/ledger/lane_queue.hpp"

namespace codasync::bench {
namespace {

using storage::Failed;
using storage::QueuedOperation;
using storage::Refused;
using storage::StockResult;

constexpr std::size_t kQueueMax = 10'000;

struct Statement {
  const char* name;
  const char* sql;
};
constexpr Statement kLock{
    "lock",
    "select r.id, r.version, r.quantity, p.name, p.version from stock_readings r"
    " join products p using (gtin) where r.shop_id = $1 and r.gtin = $2"
    " for update of r"};
constexpr Statement kUpdate{
    "update",
    "update stock_readings set version = $2, quantity = $3, plain = $3, lowest = $3,"
    " observed_at = $4, updated_at = $4, newest_at = $4, received_at = $4, tail = tail + 1"
    " where id = $1"};
constexpr Statement kAppend{
    "append",
    "insert into stock_events (id, reading_id, kind, delta, observed_at, received_at, token_id,"
    " actor, outcome, version) values ($1, $2, 'a', $3, $4, $4, $5, $6, 'a', $7)"};

class Writer {
 public:
  Writer(const std::string& url, Statements statements)
      : connection_{url}, prepared_{statements == Statements::prepared} {
    if (!prepared_) return;
    for (const auto& statement : {kLock, kUpdate, kAppend})
      connection_.prepare(statement.name, statement.sql);
  }

  StockResult write(const QueuedOperation& queued) {
    const auto& operation = queued.operation;
    pqxx::work work{connection_};
    const auto found = run(work, kLock, operation.shop.value(), operation.gtin.number());
    if (found.empty()) return Refused{Refused::Why::not_found, {}};
    const auto id = found[0][0].as<std::int64_t>();
    const auto version = found[0][1].as<std::int64_t>() + 1;
    const auto quantity = found[0][2].as<std::int64_t>(0) + operation.delta;
    const auto at = now();
    const auto moment = to_string(at);
    const auto event = to_string(Uuid::v7(at));
    run(work, kUpdate, id, version, quantity, moment);
    run(work, kAppend, event, id, operation.delta, moment, operation.actor.id.value(),
        operation.actor.name, version);
    storage::Written written{EventOutcome::applied, false, true,
                             Reading{{.id = ReadingId{id},
                                      .shop = operation.shop,
                                      .gtin = operation.gtin,
                                      .date = {},
                                      .quantity = quantity,
                                      .version = version,
                                      .observed_at = at,
                                      .updated_at = at,
                                      .checked_at = {},
                                      .counted_at = at,
                                      .expired = false},
                                     found[0][3].as<std::string>(),
                                     found[0][4].as<std::int64_t>()}};
    work.commit();
    return written;
  }

 private:
  template <class... Values>
  pqxx::result run(pqxx::work& work, const Statement& statement, const Values&... values) {
    return prepared_ ? work.exec_prepared(statement.name, values...)
                     : work.exec_params(statement.sql, values...);
  }

  pqxx::connection connection_;
  const bool prepared_;
};

class PlainLedger : public storage::StockLedger {
 public:
  PlainLedger(const std::string& url, std::size_t connections, Statements statements) {
    for (std::size_t i = 0; i < connections; ++i)
      threads_.emplace_back([this, url, statements] { run(url, statements); });
  }

  ~PlainLedger() override { queue_.close(); }

  void submit(storage::StockOperation operation, std::function<void(StockResult)> done) override {
    QueuedOperation queued{std::move(operation), std::chrono::steady_clock::now(), std::move(done)};
    if (!queue_.push(queued)) queued.done(Failed{"queue", "the queue is full"});
  }

 private:
  void run(const std::string& url, Statements statements) {
    Writer writer{url, statements};
    for (;;) {
      auto next = queue_.take(1);
      if (next.empty()) return;
      try {
        next.front().done(writer.write(next.front()));
      } catch (const pqxx::failure& failure) {
        next.front().done(Failed{"postgres", failure.what()});
      }
    }
  }

  storage::LaneQueue queue_{kQueueMax};
  std::vector<std::jthread> threads_;  // last member: they use the queue
};

}  // namespace

std::unique_ptr<storage::StockLedger> make_plain_ledger(const std::string& url,
                                                        std::size_t connections,
                                                        Statements statements) {
  return std::make_unique<PlainLedger>(url, connections, statements);
}

}  // namespace codasync::bench
