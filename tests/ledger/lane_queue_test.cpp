#include "storage/ledger/lane_queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace codasync::storage {
namespace {

const Token kActor{TokenId{1}, "staff", Role::staff, {}, {}, {}};

QueuedOperation operation(std::int64_t gtin, std::int64_t delta = 0) {
  StockOperation operation{
      .shop = ShopId{1}, .gtin = Gtin::from_number(gtin), .delta = delta, .actor = kActor};
  return {std::move(operation), {}, {}};
}

TEST(LaneQueue, serves_readings_round_robin_and_keeps_the_order_of_each) {
  LaneQueue queue{1000};
  for (std::int64_t i = 0; i < 50; ++i) {
    auto hot = operation(1, i);
    ASSERT_TRUE(queue.push(hot));
  }
  for (std::int64_t gtin = 2; gtin <= 4; ++gtin) {
    auto cold = operation(gtin);
    ASSERT_TRUE(queue.push(cold));
  }
  const auto batch = queue.take(10);
  std::set<std::int64_t> seen;
  std::int64_t next = 0;
  for (const auto& taken : batch) {
    seen.insert(taken.operation.gtin.number());
    if (taken.operation.gtin.number() != 1) continue;
    EXPECT_EQ(taken.operation.delta, next++);
  }
  EXPECT_EQ(batch.size(), 10U);
  EXPECT_EQ(seen, (std::set<std::int64_t>{1, 2, 3, 4}));
}

TEST(LaneQueue, refuses_when_full_and_does_not_move_the_operation) {
  LaneQueue queue{1};
  auto first = operation(1);
  auto second = operation(1, 42);
  EXPECT_TRUE(queue.push(first));
  EXPECT_FALSE(queue.push(second));
  EXPECT_EQ(second.operation.delta, 42);
}

TEST(LaneQueue, puts_undecided_operations_before_later_ones) {
  LaneQueue queue{10};
  for (std::int64_t i = 0; i < 4; ++i) {
    auto each = operation(1 + i % 2, i);
    ASSERT_TRUE(queue.push(each));
  }
  auto taken = queue.take(10);
  for (std::int64_t i = 4; i < 6; ++i) {
    auto each = operation(1 + i % 2, i);
    ASSERT_TRUE(queue.push(each));
  }
  Batch undecided;
  for (auto& each : taken) {
    if (each.operation.delta > 0) undecided.push_back(&each);
  }
  queue.put_back(taken, undecided);
  EXPECT_EQ(taken.size(), 1U);
  std::map<std::int64_t, std::vector<std::int64_t>> order;
  for (const auto& each : queue.take(10))
    order[each.operation.gtin.number()].push_back(each.operation.delta);
  EXPECT_EQ(order[1], (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(order[2], (std::vector<std::int64_t>{1, 3, 5}));
}

TEST(LaneQueue, returns_accepted_operations_after_it_is_closed) {
  LaneQueue queue{10};
  auto accepted = operation(1);
  ASSERT_TRUE(queue.push(accepted));
  queue.close();
  auto late = operation(1);
  EXPECT_FALSE(queue.push(late));
  EXPECT_EQ(queue.take(10).size(), 1U);
  EXPECT_TRUE(queue.take(10).empty());
}

}  // namespace
}  // namespace codasync::storage
