#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <ctime>
#include <list>
#include <thread>

#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

TEST(Timeout, of_a_slow_request_sends_408) {
  auto options = Service::small();
  options.request_timeout = 100ms;
  Service service{options};
  for (const char* beginning : {"G", "GET / HTTP/1.1\r\nHost: h\r\nX: ",
                                "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"}) {
    Client client{service.address()};
    client.send(beginning);
    // Further bytes do not renew the deadline.
    const auto start = Clock::now();
    while (Clock::now() - start < 60ms && client.send("a")) std::this_thread::sleep_for(20ms);
    const auto received = client.receive();
    ASSERT_TRUE(received) << beginning;
    EXPECT_EQ(received->status, 408);
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST(Timeout, is_not_renewed_by_empty_lines_before_a_request) {
  auto options = Service::small();
  options.request_timeout = 200ms;
  Service service{options};
  Client client{service.address()};
  const auto start = Clock::now();
  while (Clock::now() - start < 5s && client.send("\r\n") && !client.ended()) {
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_LT(Clock::now() - start, 2s) << "the connection is still open";
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Timeout, counts_from_an_empty_line_before_the_request) {
  auto options = Service::small();
  options.request_timeout = 1s;
  Service service{options};
  Client client{service.address()};
  client.send("\r\n");
  std::this_thread::sleep_for(500ms);
  client.send("GET /now/x HTTP/1.1\r\n");
  const auto start = Clock::now();
  const auto received = client.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->status, 408);
  EXPECT_LT(Clock::now() - start, 900ms) << "the first byte of the request renewed the deadline";
}

TEST(Timeout, of_a_pipelined_rest_starts_with_the_response_before_it) {
  auto options = Service::small();
  options.request_timeout = 100ms;
  Service service{options};
  Client client{service.address()};
  client.send("GET /now/1 HTTP/1.1\r\nHost: h\r\n\r\nGET /now");
  EXPECT_EQ(client.receive()->status, 200);
  EXPECT_EQ(client.receive()->status, 408);
}

TEST(Timeout, does_not_run_while_the_service_works) {
  auto options = Service::small();
  options.request_timeout = options.idle_timeout = options.write_timeout = 20ms;
  Service service{options};
  Client client{service.address()};
  client.send_get("/hold");
  service.await_held(1);
  std::this_thread::sleep_for(200ms);  // ten times each timeout
  service.release("late");
  const auto received = client.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->status, 200);
  EXPECT_EQ(received->body, "late");
}

TEST(Timeout, closes_an_idle_connection) {
  auto options = Service::small();
  options.idle_timeout = 50ms;
  Service service{options};
  Client silent{service.address()};
  Client idle{service.address()};
  idle.send_get("/now/x");
  EXPECT_EQ(idle.receive()->body, "x");
  EXPECT_TRUE(silent.closed_by_server());
  EXPECT_TRUE(idle.closed_by_server());
}

TEST(Timeout, ends_a_response_that_is_not_read) {
  auto options = Service::small();
  options.write_timeout = 100ms;
  Service service{options};
  Client client{service.address()};
  client.send_get("/big/50000000");
  const auto end = Clock::now() + 10s;
  while (service.server().counters()->connections != 1 && Clock::now() < end)
    std::this_thread::yield();
  while (service.server().counters()->connections != 0 && Clock::now() < end)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(service.server().counters()->connections, 0U);
  EXPECT_FALSE(client.receive()) << "the whole response arrived";
}

TEST(Limit, of_connections_sends_503) {
  auto options = Service::small();
  options.connections_max = 3;
  Service service{options};
  std::list<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(service.address()).send_get("/now/x");
    EXPECT_EQ(clients.back().receive()->status, 200);
  }
  {
    Client refused{service.address()};
    const auto received = refused.receive();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->status, 503);
    EXPECT_EQ(received->header("Retry-After"), "1");
    const auto id = received->header("X-Request-Id").value_or("");
    EXPECT_EQ(id.size(), 36U);
    EXPECT_NE(received->body.find(id), std::string::npos);
    EXPECT_TRUE(refused.closed_by_server());
  }
  clients.pop_back();
  const auto end = Clock::now() + 10s;
  int status{0};
  while (status != 200 && Clock::now() < end) {
    Client again{service.address()};
    again.send_get("/now/x");
    const auto received = again.receive();
    status = received ? received->status : 0;
  }
  EXPECT_EQ(status, 200) << "the place of a closed connection is not used again";
}

TEST(Limit, of_tcp_connections_leaves_the_others_to_the_unix_socket) {
  auto options = Service::small();
  const auto path = testing::TempDir() + "limits-test-" + std::to_string(::getpid());
  options.listen = {"127.0.0.1:0", "unix:" + path};
  options.connections_max = 5;
  options.tcp_connections_max = 2;
  Service service{options};
  std::list<Client> clients;
  const auto status_at = [&](const std::string& address) {
    clients.emplace_back(address).send_get("/now/x");
    const auto received = clients.back().receive();
    return received ? received->status : 0;
  };
  EXPECT_EQ(status_at(service.address()), 200);
  EXPECT_EQ(status_at(service.address()), 200);
  EXPECT_EQ(status_at(service.address()), 503);
  EXPECT_EQ(status_at("unix:" + path), 200);
  EXPECT_EQ(status_at("unix:" + path), 200);
  EXPECT_EQ(service.server().counters()->tcp_connections, 3U) << "the refused one lingers";
}

TEST(Limit, of_tcp_connections_does_not_exist_without_a_unix_socket) {
  auto options = Service::small();
  options.tcp_connections_max = 1;
  Service service{options};
  std::list<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(service.address()).send_get("/now/x");
    EXPECT_EQ(clients.back().receive()->status, 200);
  }
}

TEST(Body, that_is_not_needed_is_not_awaited) {
  // The small service needs no body below /now/.
  Service service;
  for (const std::string more : {"", "Expect: 100-continue\r\n"}) {
    Client client{service.address()};
    client.send("POST /now/x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n" + more + "\r\n");
    const auto received = client.receive();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->status, 200);
    EXPECT_EQ(received->header("Connection"), "close");
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST(Body, that_is_not_needed_and_has_arrived_keeps_the_connection) {
  Service service;
  Client client{service.address()};
  for (int i = 0; i < 2; ++i) {
    client.send("POST /now/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    const auto received = client.receive();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->status, 200);
    EXPECT_NE(received->header("Connection"), "close");
  }
}

TEST(Body, that_is_not_needed_is_no_second_request) {
  Service service;
  Client client{service.address()};
  client.send("POST /now/x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
  ASSERT_TRUE(client.receive());
  client.send("GET /now/y HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_FALSE(client.receive());
}

TEST(Limit, of_request_bytes_counts_head_and_body) {
  auto options = Service::small();
  options.request_bytes_max = 4096;
  Service service{options};
  const auto status_of = [&](std::size_t size) {
    const std::string head =
        "PUT /now/x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
    Client client{service.address()};
    client.send(head + std::string(size, 'x'));
    const auto received = client.receive();
    return received ? received->status : 0;
  };
  const std::size_t head =
      std::string{"PUT /now/x HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n"}.size();
  EXPECT_EQ(status_of(4096 - head), 200);
  EXPECT_EQ(status_of(4096 - head + 1), 413);
  EXPECT_EQ(status_of(4'000'000), 413) << "the response was lost because more bytes arrived";
}

TEST(Limit, of_descriptors_lets_clients_wait_without_a_busy_loop) {
  Service service;
  Client early{service.address()};
  early.send_get("/now/x");
  EXPECT_EQ(early.receive()->status, 200);

  // Take all descriptors but the one for the client's own socket.
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  const int lowest = ::fcntl(early.fd(), F_DUPFD_CLOEXEC, 0);
  ::close(lowest);
  few.rlim_cur = static_cast<rlim_t>(lowest) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  Client waiting{service.address()};
  waiting.send_get("/now/late");

  std::clock_t used = std::clock();
  std::this_thread::sleep_for(500ms);
  used = std::clock() - used;
  early.send_get("/now/still");
  EXPECT_EQ(early.receive()->body, "still");
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_LT(used, CLOCKS_PER_SEC / 4) << "a worker spins";
  EXPECT_EQ(waiting.receive()->body, "late");
}

}  // namespace
}  // namespace codasync::test
