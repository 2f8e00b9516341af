#include "api/executor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <utility>

namespace codasync::api {
namespace {

using namespace std::chrono_literals;
using Kind = Executor::Kind;

/// Occupies threads of an executor until it is opened or destroyed.
class Barrier {
 public:
  ~Barrier() { open(); }

  /// Returns: when a thread is occupied.
  void occupy(Executor& executor, Kind kind) {
    std::promise<void> started;
    ASSERT_TRUE(executor.submit(kind, [&started, gate = gate_](Executor::Start) {
      started.set_value();
      gate.wait();
    }));
    started.get_future().wait();
  }
  void open() {
    if (!std::exchange(is_open_, true)) opened_.set_value();
  }

 private:
  std::promise<void> opened_;
  std::shared_future<void> gate_{opened_.get_future().share()};
  bool is_open_{false};
};

TEST(Executor, runs_each_job_that_it_accepted) {
  std::latch done{1000};
  Executor executor{{.threads = 4, .queue_max = 1000}};
  for (int i = 0; i < 500; ++i) {
    for (const auto kind : {Kind::work, Kind::look_up})
      ASSERT_TRUE(executor.submit(kind, [&](Executor::Start) { done.count_down(); }));
  }
  done.wait();
}

TEST(Executor, runs_look_ups_while_all_threads_for_work_are_busy) {
  Barrier barrier;
  Executor executor{{.threads = 2, .queue_max = 10}};
  for (int i = 0; i < 2; ++i) barrier.occupy(executor, Kind::work);
  std::promise<Executor::Thread> looked_up;
  ASSERT_TRUE(executor.submit(Kind::look_up,
                              [&](Executor::Start start) { looked_up.set_value(start.thread); }));
  EXPECT_EQ(looked_up.get_future().get(), Executor::Thread::look_ups);
  barrier.open();
}

TEST(Executor, never_runs_work_on_the_thread_for_look_ups) {
  std::atomic<int> on_look_ups{0};
  std::latch done{200};
  Executor executor{{.threads = 1, .queue_max = 1000}};
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(executor.submit(Kind::work, [&](Executor::Start start) {
      if (start.thread == Executor::Thread::look_ups) ++on_look_ups;
      done.count_down();
    }));
  }
  done.wait();
  EXPECT_EQ(on_look_ups, 0);
}

TEST(Executor, runs_look_ups_on_the_other_threads_too) {
  Barrier barrier;
  Executor executor{{.threads = 1, .queue_max = 10}};
  barrier.occupy(executor, Kind::look_up);
  std::promise<void> second;
  ASSERT_TRUE(executor.submit(Kind::look_up, [&](Executor::Start) { second.set_value(); }));
  second.get_future().wait();
  barrier.open();
}

TEST(Executor, says_of_a_job_that_it_waited_too_long) {
  for (const auto& [timeout, too_late] : {std::pair{-1ms, true}, std::pair{3'600'000ms, false}}) {
    Executor executor{{.threads = 1, .queue_max = 10, .queue_timeout = timeout}};
    std::promise<bool> late;
    ASSERT_TRUE(executor.submit(Kind::work,
                                [&](Executor::Start start) { late.set_value(start.too_late); }));
    EXPECT_EQ(late.get_future().get(), too_late);
  }
}

TEST(Executor, finishes_what_runs_drops_what_waits_and_takes_no_job_when_it_ends) {
  std::atomic<int> finished{0};
  std::atomic<bool> second_ran{false};
  {
    auto waiting = std::make_shared<int>();
    std::promise<void> started;
    Executor executor{{.threads = 1, .queue_max = 2}};
    ASSERT_TRUE(executor.submit(Kind::work, [&, dropped = std::weak_ptr{waiting}](Executor::Start) {
      started.set_value();
      const auto enough = std::chrono::steady_clock::now() + 10s;
      while (!dropped.expired() && std::chrono::steady_clock::now() < enough)
        std::this_thread::yield();
      EXPECT_FALSE(executor.submit(Kind::work, [](Executor::Start) {}));
      EXPECT_FALSE(executor.submit(Kind::look_up, [](Executor::Start) {}));
      ++finished;
    }));
    started.get_future().wait();
    ASSERT_TRUE(executor.submit(
        Kind::work, [&, waiting = std::move(waiting)](Executor::Start) { second_ran = true; }));
  }
  EXPECT_EQ(finished, 1);
  EXPECT_FALSE(second_ran);
}

TEST(Executor, refuses_at_once_when_a_queue_is_full) {
  Barrier barrier;
  Executor executor{{.threads = 1, .queue_max = 2}};
  barrier.occupy(executor, Kind::work);
  EXPECT_TRUE(executor.submit(Kind::work, [](Executor::Start) {}));
  EXPECT_TRUE(executor.submit(Kind::work, [](Executor::Start) {}));
  EXPECT_EQ(executor.waiting(), 2U);
  EXPECT_FALSE(executor.submit(Kind::work, [](Executor::Start) {}));
  std::promise<void> looked_up;
  EXPECT_TRUE(executor.submit(Kind::look_up, [&](Executor::Start) { looked_up.set_value(); }))
      << "look-ups have a queue of their own";
  looked_up.get_future().wait();
  barrier.open();
}

}  // namespace
}  // namespace codasync::api
