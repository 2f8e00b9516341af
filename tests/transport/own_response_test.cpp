// Each client gets its own response, and gets it without waiting for later traffic.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kThreads = 4;

/// Runs `work(thread number)` on a few threads.
template <typename Work>
void in_parallel(Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&work, i] { work(i); });
  for (auto& thread : threads) thread.join();
}

TEST(OwnResponse, reaches_its_client_while_others_vanish) {
  constexpr int kChecked = 100'000;
  constexpr auto kLongest = 25s;  // on a slow machine or under a sanitizer: fewer responses
  const std::string path = "unix:" + (std::filesystem::temp_directory_path() /
                                      ("codasync-own-" + std::to_string(::getpid())))
                                         .string();
  auto options = Service::small();
  options.listen.push_back(path);
  Service service{options};
  std::atomic<int> checked{0};
  std::atomic<int> wrong{0};
  std::atomic<int> vanished{0};
  const auto end = Clock::now() + kLongest;

  in_parallel([&](int thread) {
    std::mt19937 random{static_cast<unsigned>(thread)};
    const std::string address = thread % 2 == 0 ? service.address() : path;
    auto client = std::make_unique<Client>(address);
    for (int i = 0; checked < kChecked && Clock::now() < end; ++i) {
      const std::string id = std::to_string(thread) + "-" + std::to_string(i);
      client->send_get((random() % 2 == 0 ? "/now/" : "/pool/") + id);
      if (random() % 8 == 0) {  // its response is on the way; the next client gets its descriptor
        if (random() % 2 == 0) client->vanish();
        client = std::make_unique<Client>(address);
        ++vanished;
        continue;
      }
      const auto received = client->receive();
      wrong += !received || received->body != id ? 1 : 0;
      ++checked;
    }
  });

  EXPECT_EQ(wrong, 0) << "of " << checked;
  EXPECT_GT(checked, 1000);
  EXPECT_GT(vanished, 100);
}

TEST(OwnResponse, never_waits_for_later_traffic) {
  constexpr int kRounds = 20'000;  // of kBurst responses each, from two threads
  constexpr int kBurst = 3;
  constexpr auto kLongest = 25s;
  Service service;
  std::atomic<int> rounds{0};
  std::atomic<std::int64_t> slowest_ms{0};
  const auto end = Clock::now() + kLongest;

  in_parallel([&](int) {
    std::vector<Client> clients;
    for (int i = 0; i < kBurst; ++i) clients.emplace_back(service.address());
    while (rounds++ < kRounds && Clock::now() < end) {
      const auto start = Clock::now();
      for (auto& client : clients) client.send_get("/pool/x");
      for (auto& client : clients) {
        if (!client.receive()) ADD_FAILURE() << "a response did not arrive";
      }
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
      std::int64_t seen = slowest_ms;
      while (took.count() > seen && !slowest_ms.compare_exchange_weak(seen, took.count())) {
      }
    }
  });

  EXPECT_GT(rounds, 100);
  EXPECT_LT(slowest_ms, 5000) << "a response was stuck; a slow machine takes less";
}

TEST(OwnResponse, arrives_on_new_connections_too) {
  Service service;
  std::atomic<int> missing{0};
  in_parallel([&](int) {
    for (int i = 0; i < 1000; ++i) {
      Client client{service.address()};
      client.send_get("/now/x", "Connection: close\r\n");
      const auto received = client.receive();
      missing += received && received->body == "x" ? 0 : 1;
    }
  });
  EXPECT_EQ(missing, 0);
}

TEST(OwnResponse, is_not_delayed_by_a_client_that_does_not_read) {
  auto options = Service::small();
  options.workers = 1;
  Service service{options};
  Client slow{service.address()};
  slow.send_get("/big/20000000");

  Client other{service.address()};
  for (int i = 0; i < 1000; ++i) {
    other.send_get("/now/x");
    ASSERT_TRUE(other.receive());
  }
  const auto received = slow.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->body.size(), 20'000'000U);
  slow.send_get("/now/next");
  EXPECT_EQ(slow.receive()->body, "next");
}

}  // namespace
}  // namespace codasync::test
