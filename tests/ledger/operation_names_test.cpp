#include <gmock/gmock.h>

#include "tests/ledger/ledger_fixture.hpp"

// Operations that arrive again: by their names, and by idempotency keys.

namespace codasync::test {
namespace {

using Why = storage::Refused::Why;

class LedgerWithNames : public LedgerTest {};

TEST_F(LedgerWithNames, recognises_a_repeated_operation_by_its_name) {
  auto once = adjust(-2);
  once.observed_at = now() - std::chrono::minutes{5};
  once.name = Uuid::v8(std::array<std::uint8_t, 16>{7});
  auto counted = count(10);
  counted.observed_at = now() - std::chrono::hours{1};
  perform(counted);
  EXPECT_EQ(text(perform(once)), "applied v2 - 8");
  EXPECT_EQ(text(perform(once)), "duplicate v2 - 8");
  perform(count(20));
  EXPECT_EQ(text(perform(once)), "duplicate v3 - 20") << "with the current state of the reading";
  auto other = once;
  other.delta = -3;
  EXPECT_EQ(why(perform(other)), Why::id_reused);
  other = once;
  other.gtin = kMilk;
  EXPECT_EQ(why(perform(other)), Why::id_reused) << "of another reading";
  other = once;
  other.observed_at = now();
  other.reason = "another reason";
  EXPECT_EQ(text(perform(other)), "duplicate v3 - 20")
      << "times and reasons are not part of the content";
  EXPECT_EQ(database.run("select count(*) from stock_events where kind = 'a'"), "1");
}

TEST_F(LedgerWithNames, applies_a_name_once_when_it_arrives_many_times_concurrently) {
  perform(count(0));
  auto other_ledger = storage::make_combiner(postgres, options, invalidation, observer);
  std::vector<std::future<storage::StockResult>> futures;
  for (int i = 0; i < 200; ++i) {
    auto add = adjust(1, i % 2 == 0 ? kTea : kMilk);
    add.observed_at = now();
    add.name = Uuid::v8(std::array<std::uint8_t, 16>{9});
    auto promise = std::make_shared<std::promise<storage::StockResult>>();
    futures.push_back(promise->get_future());
    (i % 3 == 0 ? *ledger : *other_ledger)
        .submit(std::move(add),
                [promise](storage::StockResult r) { promise->set_value(std::move(r)); });
  }
  std::size_t effects = 0;
  for (auto& future : futures) {
    const auto result = future.get();
    const auto* written = std::get_if<storage::Written>(&result);
    if (written != nullptr && written->outcome != EventOutcome::duplicate) ++effects;
    EXPECT_FALSE(std::holds_alternative<storage::Failed>(result)) << text(result);
  }
  EXPECT_EQ(effects, 1U);
  EXPECT_EQ(database.run("select count(*) from stock_events where kind = 'a'"), "1");
}

TEST_F(LedgerWithNames, applies_a_key_once_after_its_response_was_deleted) {
  perform(count(5));
  auto take = adjust(-1);
  take.idempotency_key = key("sale");
  EXPECT_EQ(text(perform(take)), "applied v2 - 4");
  database.run("delete from idempotency_keys");
  EXPECT_EQ(text(perform(take)), "duplicate v2 - 4");
  EXPECT_EQ(database.run("select quantity from stock_readings"), "4");
  take.delta = -2;
  database.run("delete from idempotency_keys");
  EXPECT_EQ(why(perform(take)), Why::id_reused);
}

TEST_F(LedgerWithNames, stores_no_name_of_a_refused_operation) {
  auto named = sighting(24, kUnknown);
  named.observed_at = now();
  named.name = Uuid::v8(std::array<std::uint8_t, 16>{3});
  EXPECT_EQ(why(perform(named)), Why::unknown_product);
  named.product_name = "Salt";
  EXPECT_EQ(text(perform(named)), "applied v1 2026-12-24 - created");
}

TEST_F(LedgerWithNames, returns_the_same_response_for_the_same_key) {
  auto once = sighting(24);
  once.idempotency_key = key("k1");
  const auto first = perform(once);
  perform(sighting(10));
  const auto second = perform(once);
  EXPECT_EQ(text(second), text(first));
  EXPECT_FALSE(std::get<storage::StoredResponse>(first).replayed);
  EXPECT_TRUE(std::get<storage::StoredResponse>(second).replayed);
  once.idempotency_key = key("k1", 7);
  EXPECT_EQ(why(perform(once)), Why::key_reused);
  once.actor = admin();
  EXPECT_EQ(text(perform(once)), "kept v3 2026-12-10 -") << "another token has its own keys";
}

TEST_F(LedgerWithNames, has_one_effect_for_a_key_that_arrives_many_times_concurrently) {
  perform(count(0));
  std::vector<std::future<storage::StockResult>> futures;
  for (int i = 0; i < 200; ++i) {
    auto add = adjust(1);
    add.idempotency_key = key("again");
    futures.push_back(submit(add));
  }
  std::size_t first = 0;
  for (auto& future : futures) {
    const auto result = future.get();
    EXPECT_EQ(text(result), "applied v2 - 1");
    if (!std::get<storage::StoredResponse>(result).replayed) ++first;
  }
  EXPECT_EQ(first, 1U);
  EXPECT_EQ(database.run("select quantity from stock_readings"), "1");
}

TEST_F(LedgerWithNames, stores_no_key_of_a_refused_operation) {
  perform(count(0));
  auto take = adjust(-1);
  take.idempotency_key = key("take");
  EXPECT_EQ(why(perform(take)), Why::below_zero);
  perform(adjust(1));
  EXPECT_EQ(text(perform(take)), "applied v3 - 0");
}

}  // namespace
}  // namespace codasync::test
