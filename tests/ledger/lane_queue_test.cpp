#include "storage/lane_queue.hpp"

#include <gtest/gtest.h>

#include <set>

namespace codasync::storage {
namespace {

const Token kSomebody{TokenId{1}, "somebody", Role::staff, {}, {}, {}};

QueuedOperation operation(std::int64_t gtin, std::int64_t delta = 0) {
  StockOperation operation{
      .shop = ShopId{1}, .gtin = Gtin::from_number(gtin), .delta = delta, .actor = kSomebody};
  return {std::move(operation), {}, {}, {}};
}

TEST(LaneQueue, lets_readings_take_turns_and_keeps_the_order_of_each) {
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

TEST(LaneQueue, refuses_when_full_and_leaves_the_operation_with_its_owner) {
  LaneQueue queue{1};
  auto first = operation(1);
  auto second = operation(1, 42);
  EXPECT_TRUE(queue.push(first));
  EXPECT_FALSE(queue.push(second));
  EXPECT_EQ(second.operation.delta, 42);
}

TEST(LaneQueue, gives_out_what_was_accepted_after_it_is_closed) {
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
