#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

using namespace std::chrono_literals;

TEST(Drain, waits_for_requests_in_flight_and_then_closes) {
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

TEST(Drain, ends_at_its_limit) {
  Service service;
  Client working{service.address()};
  working.send_get("/hold");
  service.await_held(1);
  EXPECT_FALSE(service.server().drain(50ms));
  EXPECT_EQ(service.server().counters()->connections, 1U);
}

TEST(Drain, of_a_server_without_clients_takes_no_time) {
  Service service;
  EXPECT_TRUE(service.server().drain(10s));
}

TEST(Drain, loses_no_response_under_load) {
  for (int round = 0; round < 5; ++round) {
    Service service;
    std::atomic<int> responses{0};
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
          ++responses;
          if (received->header("Connection") == "close") return;
        }
      });
    }
    while (responses < 1000) std::this_thread::yield();
    EXPECT_TRUE(service.server().drain(10s));
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(lost, 0) << "of " << responses;
  }
}

/// A server on a Unix socket that closes idle connections soon after the idle drain.
class UnixDrain : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / "codasync-drain-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] api::ServerOptions options() const {
    auto options = Service::small();
    options.listen = {"unix:" + folder_ + "/socket"};
    options.write_timeout = 40ms;  // so that deadlines are checked each 5 ms
    return options;
  }

 private:
  std::string folder_;
};

TEST_F(UnixDrain, responds_to_or_refuses_clients_that_connect_meanwhile) {
  for (int round = 0; round < 20; ++round) {
    Service service{options()};
    std::atomic<int> connected{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        for (;;) {
          std::optional<Client> client;
          try {
            client.emplace(service.address());
          } catch (const std::runtime_error&) {
            return;  // refused: nothing was sent
          }
          ++connected;
          client->send_get("/now/x");
          if (!client->receive()) ++lost;
        }
      });
    }
    while (connected < 100) std::this_thread::yield();
    EXPECT_TRUE(service.server().drain(10s));
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(lost, 0) << "of " << connected;
  }
}

TEST_F(UnixDrain, responds_to_or_refuses_requests_sent_while_idle_connections_close) {
  constexpr std::size_t kClients = 500;
  int refused = 0;
  int responses = 0;
  for (int round = 0; round < 20; ++round) {
    Service service{options()};
    std::deque<Client> clients;
    for (std::size_t i = 0; i < kClients; ++i) {
      clients.emplace_back(service.address()).send_get("/now/x");
      ASSERT_TRUE(clients.back().receive());
    }
    std::thread draining{[&] { EXPECT_TRUE(service.server().drain(20s)); }};
    // As soon as the first one is closed, all write: while the server closes the others.
    std::vector<pollfd> watched;
    for (auto& client : clients) watched.push_back({client.fd(), POLLIN, 0});
    EXPECT_GT(::poll(watched.data(), watched.size(), 10'000), 0);
    std::deque<bool> sent;
    for (auto& client : clients) {
      sent.push_back(client.send("GET /now/x HTTP/1.1\r\nHost: test\r\n\r\n"));
    }
    for (std::size_t i = 0; i < kClients; ++i) {
      if (!sent[i]) {
        ++refused;
      } else if (clients[i].receive()) {
        ++responses;
      } else {
        ADD_FAILURE() << "round " << round << ": a request was sent and got no response";
      }
    }
    clients.clear();
    draining.join();
  }
  std::cout << responses << " responses, " << refused << " refused\n";
}

}  // namespace
}  // namespace codasync::test
