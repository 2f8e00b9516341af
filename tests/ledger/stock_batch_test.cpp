#include "storage/ledger/batch.hpp"
#include "storage/operation_name.hpp"
#include "tests/ledger/ledger_fixture.hpp"

namespace codasync::test {
namespace {

using storage::BatchResult;
using storage::QueuedOperation;

/// Batches that the test composes; in production the time of arrival does.
class StockBatch : public LedgerTest {
 protected:
  static QueuedOperation queued(storage::StockOperation operation) {
    if (operation.idempotency_key)
      operation.name = storage::name_of_key(operation.actor.id, operation.idempotency_key->key);
    return {std::move(operation), std::chrono::steady_clock::now(), {}};
  }

  std::vector<BatchResult::Each> run(std::vector<storage::StockOperation> operations) {
    std::vector<QueuedOperation> all;
    for (auto& operation : operations) all.push_back(queued(std::move(operation)));
    storage::Batch batch;
    for (auto& each : all) batch.push_back(&each);
    return storage::run_batch(connection, invalidation, batch).results;
  }

  static std::string text(const BatchResult::Each& each) {
    if (const auto* result = std::get_if<storage::StockResult>(&each))
      return LedgerTest::text(*result);
    return std::get<BatchResult::Deferred>(each) == BatchResult::Deferred::later
               ? "deferred: later"
               : "deferred: product";
  }

  storage::postgres::Connection connection{postgres};
};

TEST_F(StockBatch, records_a_reading_again_that_it_removed) {
  perform(sighting(24));
  const auto results = run({operation(EventKind::remove), sighting(20)});
  EXPECT_EQ(text(results[1]), "applied v3 2026-12-20 - created");
}

TEST_F(StockBatch, defers_operations_after_one_that_creates_the_product) {
  auto named = sighting(24, kUnknown);
  named.product_name = "Salt";
  const auto results = run({named, sighting(20, kUnknown), sighting(20)});
  EXPECT_EQ(text(results[0]), "deferred: product");
  EXPECT_EQ(text(results[1]), "deferred: product") << "the product does not exist yet";
  EXPECT_EQ(text(results[2]), "applied v1 2026-12-20 - created");
}

TEST_F(StockBatch, does_not_rename_a_product_that_was_created_concurrently) {
  auto first = sighting(24, kUnknown);
  first.product_name = "Salt";
  auto second = sighting(20, kUnknown);
  second.product_name = "Pepper";
  for (const auto& each : {first, second}) {
    auto one = queued(each);
    const auto result = storage::run_with_product(connection, invalidation, one).results[0];
    EXPECT_TRUE(text(result).starts_with("applied")) << text(result);
  }
  EXPECT_EQ(
      database.run("select concat_ws(' ', name, version) from products where gtin = 96385074"),
      "Salt 1");
  EXPECT_FALSE(invalidation.changes().back().catalogue) << "the product did not change";
}

TEST_F(StockBatch, replays_the_response_of_a_key_within_the_batch) {
  auto once = count(5);
  once.idempotency_key = key("k");
  auto other = count(6);
  other.idempotency_key = key("k", 9);
  const auto results = run({once, once, other, count(7)});
  EXPECT_EQ(text(results[0]), "applied v1 - 5 created");
  EXPECT_EQ(text(results[1]), text(results[0]));
  EXPECT_TRUE(
      std::get<storage::StoredResponse>(std::get<storage::StockResult>(results[1])).replayed);
  EXPECT_EQ(why(std::get<storage::StockResult>(results[2])), storage::Refused::Why::key_reused);
  EXPECT_EQ(text(results[3]), "applied v2 - 7");
  EXPECT_EQ(database.run("select count(*) from stock_events"), "2");
}

TEST_F(StockBatch, uses_no_id_for_refused_operations) {
  auto elsewhere = sighting(24);
  elsewhere.shop = ShopId{77};
  run({elsewhere, sighting(24, kUnknown)});
  const auto results = run({sighting(24)});
  EXPECT_EQ(std::get<storage::Written>(std::get<storage::StockResult>(results[0])).reading.id,
            ReadingId{1});
}

// Each late event in a sealed part reads a segment. A transaction reads a few segments, and the
// next one continues.
TEST_F(StockBatch, reads_a_bounded_part_of_long_histories) {
  perform(count(0));
  const std::string moments =
      "timestamptz '2026-01-01 00:00+00' + n * interval '1 s' from generate_series(1, 200) n";
  database.run(
      "insert into stock_segments (reading_id, until, events, is_base, plain, lowest) select 1, " +
      std::string{"timestamptz '2026-01-01 00:00+00' + n * interval '1 s', 0, false, 0, 0"} +
      " from generate_series(1, 200) n;"
      " update stock_readings set sealed_until = timestamptz '2026-01-01 00:03:20+00'");
  std::vector<storage::StockOperation> late;
  for (int i = 1; i <= 200; ++i) {
    auto each = count(i);
    each.observed_at = *parse_instant("2026-01-01T00:00:00Z") + std::chrono::seconds{i};
    late.push_back(each);
  }
  const auto results = run(late);
  std::size_t decided = 0;
  bool deferred = false;
  for (const auto& each : results) {
    const bool is_deferred = text(each) == "deferred: later";
    EXPECT_FALSE(deferred && !is_deferred) << "operations on one reading keep their order";
    deferred = deferred || is_deferred;
    if (!is_deferred) ++decided;
  }
  EXPECT_GE(decided, 10U);
  EXPECT_LE(decided, 70U);
  std::vector<std::future<storage::StockResult>> all;
  for (const auto& each : late) all.push_back(submit(each));
  for (auto& future : all) EXPECT_TRUE(accepted(future.get()));
}

}  // namespace
}  // namespace codasync::test
