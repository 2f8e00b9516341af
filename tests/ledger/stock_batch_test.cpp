#include <array>

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

  /// The operations of a device: each has a name, and a void names its target by it.
  static Uuid name(std::uint8_t number) { return Uuid::v8(std::array<std::uint8_t, 16>{number}); }
  static storage::StockOperation named(storage::StockOperation operation, std::uint8_t number) {
    operation.name = name(number);
    return operation;
  }
  static storage::StockOperation named_void(std::uint8_t target, std::uint8_t number) {
    auto made = named(operation(EventKind::void_event), number);
    made.voids = name(target);
    made.awaits_target = true;
    made.voids_own = true;
    return made;
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

TEST_F(StockBatch, voids_an_event_of_the_same_batch_in_both_orders) {
  const auto after = run({count(3), named(count(7), 1), named_void(1, 2)});
  EXPECT_EQ(text(after[1]), "applied v2 - 7");
  EXPECT_EQ(text(after[2]), "applied v3 - 3");
  const auto before = run({named_void(3, 4), named(count(8), 3), named_void(3, 5)});
  EXPECT_EQ(text(before[0]), "kept v3 - 3") << "it waits";
  EXPECT_EQ(text(before[1]), "kept v3 - 3");
  EXPECT_EQ(text(before[2]), "kept v3 - 3");
}

TEST_F(StockBatch, voids_an_event_that_arrives_in_a_later_batch) {
  run({count(3), named_void(1, 2)});
  EXPECT_EQ(text(run({named(count(7), 1)})[0]), "kept v1 - 3");
  const auto repeated = run({named(count(7), 1)});
  EXPECT_EQ(text(repeated[0]), "duplicate v1 - 3");
  EXPECT_TRUE(std::get<storage::Written>(std::get<storage::StockResult>(repeated[0])).voided);
}

TEST_F(StockBatch, does_not_show_a_reading_of_a_removed_product_to_a_repeated_operation) {
  run({named(count(7), 1)});
  database.run("update products set removed_at = now() where gtin = 4006381333931");
  EXPECT_EQ(why(std::get<storage::StockResult>(run({named(count(7), 1)})[0])),
            storage::Refused::Why::unknown_product);
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
