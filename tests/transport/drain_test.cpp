#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

using namespace std::chrono_literals;

TEST(Drain, waits_for_what_is_in_flight_and_closes_after_it) {
  Service service;
  Client working{service.address()};
  Client idle{service.address()};
  idle.send_get("/now/x");
  EXPECT_EQ(idle.receive()->header("Connection"), "keep-alive");
  working.send_get("/hold");
  service.await_held(1);

  std::atomic<bool> drained{false};
  std::thread draining{[&] { drained = service.server().drain(10s); }};
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_THROW(Client{service.address()}, std::runtime_error);
  EXPECT_FALSE(drained);
  service.release("done");
  const auto received = working.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->body, "done");
  EXPECT_EQ(received->header("Connection"), "close");
  EXPECT_TRUE(working.closed_by_server());
  working.half_close();
  draining.join();
  EXPECT_TRUE(drained);
}

TEST(Drain, gives_up_when_its_limit_is_over) {
  Service service;
  Client working{service.address()};
  working.send_get("/hold");
  service.await_held(1);
  EXPECT_FALSE(service.server().drain(50ms));
  EXPECT_EQ(service.server().open_connections(), 1U);
}

TEST(Drain, of_a_server_without_clients_is_done_at_once) {
  Service service;
  EXPECT_TRUE(service.server().drain(10s));
}

TEST(Drain, loses_no_answer_under_load) {
  for (int round = 0; round < 5; ++round) {
    Service service;
    std::atomic<int> answered{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        Client client{service.address()};
        for (;;) {
          client.send_get(i % 2 == 0 ? "/pool/x" : "/now/x");
          const auto received = client.receive();
          if (!received) {
            ++lost;
            return;
          }
          ++answered;
          if (received->header("Connection") == "close") return;
        }
      });
    }
    while (answered < 1000) std::this_thread::yield();
    EXPECT_TRUE(service.server().drain(10s));
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(lost, 0) << "of " << answered;
  }
}

}  // namespace
}  // namespace codasync::test
