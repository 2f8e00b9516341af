#include "storage/stock_batch.hpp"

#include "storage/stock_fold.hpp"
#include "tests/ledger/ledger_fixture.hpp"

namespace codasync::test {
namespace {

using storage::Answer;
using storage::QueuedOperation;

/// Batches that are put together by the test, not by what arrives at the same time.
class StockBatch : public LedgerTest {
 protected:
  static QueuedOperation queued(storage::StockOperation operation) {
    return {std::move(operation), Uuid::v7(now()), std::chrono::steady_clock::now(), {}};
  }

  std::vector<std::optional<storage::StockResult>> run(
      std::vector<storage::StockOperation> operations) {
    std::vector<QueuedOperation> all;
    for (auto& operation : operations) all.push_back(queued(std::move(operation)));
    storage::Batch batch;
    for (auto& each : all) batch.push_back(&each);
    return storage::run_batch(connection, invalidation, batch).results;
  }

  storage::postgres::Connection connection{postgres};
};

TEST_F(StockBatch, knows_the_shop_of_a_reading_that_it_removes) {
  perform(sighting(24));
  const auto results = run({operation(EventKind::remove), sighting(20)});
  ASSERT_TRUE(results[1]);
  EXPECT_EQ(text(*results[1]), "applied v3 2026-12-20 -");
}

TEST_F(StockBatch, leaves_alone_what_follows_an_operation_that_names_the_product) {
  auto named = sighting(24, kUnknown);
  named.product_name = "Salt";
  const auto results = run({named, sighting(20, kUnknown), sighting(20)});
  EXPECT_FALSE(results[0]);
  EXPECT_FALSE(results[1]) << "it would be told that nobody knows the product";
  EXPECT_TRUE(results[2]);
}

TEST_F(StockBatch, does_not_rename_a_product_that_was_created_meanwhile) {
  auto first = sighting(24, kUnknown);
  first.product_name = "Salt";
  auto second = sighting(20, kUnknown);
  second.product_name = "Pepper";
  for (const auto& each : {first, second}) {
    auto one = queued(each);
    const auto result = storage::run_with_product(connection, invalidation, one).results[0];
    ASSERT_TRUE(result && std::holds_alternative<Answer>(*result));
  }
  EXPECT_EQ(
      database.run("select concat_ws(' ', name, version) from products where gtin = 96385074"),
      "Salt 1");
  EXPECT_FALSE(invalidation.changes().back().catalogue) << "nothing of the product changed";
}

TEST_F(StockBatch, is_an_error_when_a_row_is_not_where_it_was_locked) {
  perform(sighting(24));
  const auto write_at = [&](const auto& change) {
    storage::StockRows rows;
    rows.emplace(storage::StockKey{kShop.value(), kTea.number()},
                 storage::StockRow{.shop = kShop, .gtin = kTea});
    storage::postgres::WriteTransaction transaction{connection, {}, {}, keys_of(rows)};
    load(transaction.told(), rows);
    auto& row = rows.begin()->second;
    change(row.at);
    row.version = 9;
    row.touched = true;
    write(transaction, rows, {}, {});
    transaction.commit();
  };
  EXPECT_THROW(write_at([](auto& at) { at.reset(); }), std::logic_error);
  EXPECT_THROW(write_at([](auto& at) { at->offset += 100; }), std::logic_error);
  const std::string version =
      "select version from stock_readings where shop_id = " + std::to_string(kShop.value()) +
      " and gtin = " + std::to_string(kTea.number());
  EXPECT_EQ(database.run(version), "1");
  write_at([](auto&) {});
  EXPECT_EQ(database.run(version), "9");
}

TEST_F(StockBatch, reads_the_history_of_a_reading_once) {
  storage::StockRows rows;
  const auto key = storage::StockKey{kShop.value(), kTea.number()};
  rows.emplace(key, storage::StockRow{.shop = kShop, .gtin = kTea});
  auto& row = rows.at(key);
  row.exists = true;
  row.version = 1;
  row.product = storage::ProductName{"Tea", 1};
  row.shelf.present = true;
  row.shelf.folded_at = row.received_at = now();
  int read = 0;
  storage::StockFold fold{rows,
                          {.shops = {kShop.value()},
                           .token_is_valid = [](TokenId) { return true; },
                           .kept_answers = {},
                           .history =
                               [&](ReadingId) {
                                 ++read;
                                 return std::vector<Event>{};
                               },
                           .named = {},
                           .now = now()}};
  for (int i = 0; i < 3; ++i) {
    auto late = count(i);
    late.observed_at = now() - std::chrono::hours{1 + i};
    EXPECT_TRUE(fold.decide(queued(late)));
  }
  EXPECT_EQ(read, 1);
}

}  // namespace
}  // namespace codasync::test
