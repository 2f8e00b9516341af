#include "api/gathering.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace codasync::api {
namespace {

using namespace std::chrono_literals;
using Numbers = Gathering<int>;
using Added = Numbers::Added;

std::vector<int> items(const std::vector<Numbers::Taken>& batch) {
  std::vector<int> found;
  for (const auto& taken : batch) found.push_back(taken.item);
  return found;
}

TEST(Gathering, gives_a_lone_item_a_worker_at_once) {
  Numbers numbers{{.workers_max = 1, .batch_max = 8, .waiting_max = 8, .timeout = 1h}};
  EXPECT_EQ(numbers.add(1), Added::need_worker);
  EXPECT_EQ(items(numbers.take()), std::vector{1});
  EXPECT_FALSE(numbers.continues());
  EXPECT_EQ(numbers.add(2), Added::need_worker) << "the worker has ended";
}

TEST(Gathering, gives_what_comes_while_all_workers_are_busy_to_the_next_that_is_free) {
  Numbers numbers{{.workers_max = 2, .batch_max = 3, .waiting_max = 8, .timeout = 1h}};
  EXPECT_EQ(numbers.add(1), Added::need_worker);
  EXPECT_EQ(items(numbers.take()), std::vector{1});
  EXPECT_EQ(numbers.add(2), Added::need_worker);
  EXPECT_EQ(items(numbers.take()), std::vector{2});
  for (const int number : {3, 4, 5, 6}) EXPECT_EQ(numbers.add(number), Added::waits);
  ASSERT_TRUE(numbers.continues());
  EXPECT_EQ(items(numbers.take()), (std::vector{3, 4, 5})) << "at most a batch";
  ASSERT_TRUE(numbers.continues());
  EXPECT_EQ(items(numbers.take()), std::vector{6});
  EXPECT_FALSE(numbers.continues());
  EXPECT_FALSE(numbers.continues());
}

TEST(Gathering, takes_no_more_items_than_may_wait) {
  Numbers numbers{{.workers_max = 1, .batch_max = 8, .waiting_max = 2, .timeout = 1h}};
  EXPECT_EQ(numbers.add(1), Added::need_worker);
  EXPECT_EQ(numbers.add(2), Added::waits);
  EXPECT_EQ(numbers.add(3), Added::full);
  EXPECT_EQ(items(numbers.take()), (std::vector{1, 2}));
}

TEST(Gathering, marks_what_waited_too_long) {
  Numbers numbers{{.workers_max = 1, .batch_max = 8, .waiting_max = 2, .timeout = -1ms}};
  static_cast<void>(numbers.add(1));
  const auto batch = numbers.take();
  ASSERT_EQ(batch.size(), 1U);
  EXPECT_TRUE(batch[0].too_late);
}

TEST(Gathering, leaves_no_item_without_a_worker_whatever_the_threads_do) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  Numbers numbers{
      {.workers_max = 2, .batch_max = 16, .waiting_max = kThreads * kEach, .timeout = 1h}};
  std::atomic<int> worked{0};
  std::atomic<int> busy{0};
  std::atomic<int> busy_max{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int number = 0; number < kEach; ++number) {
          if (numbers.add(number) != Added::need_worker) continue;
          const int now_busy = ++busy;
          for (int most = busy_max;
               now_busy > most && !busy_max.compare_exchange_weak(most, now_busy);)
            continue;
          do {
            worked += static_cast<int>(numbers.take().size());
            --busy;  // before continues(): from there another worker may start
          } while (numbers.continues() && ++busy > 0);
        }
      });
    }
  }
  EXPECT_EQ(worked, kThreads * kEach);
  EXPECT_LE(busy_max, 2);
}

}  // namespace
}  // namespace codasync::api
