#include "api/executor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>

namespace codasync::api {
namespace {

TEST(Executor, does_what_it_accepted) {
  std::latch done{500};
  Executor executor{{.threads = 4, .queue_max = 1000}};
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(executor.submit([&] { done.count_down(); }));
  done.wait();
}

TEST(Executor, finishes_what_has_begun_and_drops_what_waits_when_it_ends) {
  std::atomic<int> finished{0};
  std::atomic<bool> second_ran{false};
  {
    auto waiting = std::make_shared<int>();
    std::promise<void> begun;
    Executor executor{{.threads = 1, .queue_max = 2}};
    ASSERT_TRUE(executor.submit([&, dropped = std::weak_ptr{waiting}] {
      begun.set_value();
      const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds{10};
      while (!dropped.expired() && std::chrono::steady_clock::now() < enough)
        std::this_thread::yield();
      ++finished;
    }));
    begun.get_future().wait();
    ASSERT_TRUE(executor.submit([&, waiting = std::move(waiting)] { second_ran = true; }));
  }
  EXPECT_EQ(finished, 1);
  EXPECT_FALSE(second_ran);
}

TEST(Executor, refuses_at_once_when_its_queue_is_full) {
  std::promise<void> open;
  const auto gate = open.get_future().share();
  std::promise<void> busy;
  Executor executor{{.threads = 1, .queue_max = 2}};
  ASSERT_TRUE(executor.submit([&busy, gate] {
    busy.set_value();
    gate.wait();
  }));
  busy.get_future().wait();
  EXPECT_TRUE(executor.submit([] {}));
  EXPECT_TRUE(executor.submit([] {}));
  EXPECT_EQ(executor.waiting(), 2U);
  EXPECT_FALSE(executor.submit([] {}));
  open.set_value();
}

}  // namespace
}  // namespace codasync::api
