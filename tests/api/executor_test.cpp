#include "api/executor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace codasync::api {
namespace {

TEST(Executor, finishes_what_it_accepted) {
  std::atomic<int> done{0};
  int accepted = 0;
  {
    Executor executor{{.threads = 4, .queue_max = 1000}};
    for (int i = 0; i < 500; ++i) accepted += executor.submit([&] { ++done; }) ? 1 : 0;
  }
  EXPECT_EQ(done, accepted);
  EXPECT_EQ(accepted, 500);
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
