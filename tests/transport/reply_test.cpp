#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

TEST(Reply, that_is_destroyed_sends_500) {
  Service service;
  for (const char* target : {"/drop", "/throw"}) {
    Client client{service.address()};
    client.send_get(target);
    const auto received = client.receive();
    ASSERT_TRUE(received) << target;
    EXPECT_EQ(received->status, 500);
    EXPECT_EQ(received->header("Content-Type"), "application/problem+json");
    EXPECT_EQ(received->body.find("secret"), std::string::npos)
        << "the text of an exception is in the response";
    client.send_get("/now/next");
    EXPECT_EQ(client.receive()->body, "next");
  }
}

TEST(Reply, may_be_sent_within_the_dispatch_of_another_request) {
  std::vector<api::Reply> waiting;  // of one worker, so without a lock
  auto options = Service::small();
  options.workers = 1;
  api::Server server{options,
                     [&](api::Request request, api::Reply reply) {
                       waiting.push_back(std::move(reply));
                       if (request.path != "/last") return;
                       for (auto& each : waiting) std::move(each).send({200, {}, "together"});
                       waiting.clear();
                     },
                     [] {}};
  server.start();
  Client first{server.addresses().front()};
  first.send("GET /first HTTP/1.1\r\nHost: h\r\n\r\nGET /last HTTP/1.1\r\nHost: h\r\n\r\n");
  while (server.counters()->requests_in_flight != 1) std::this_thread::yield();
  Client second{server.addresses().front()};
  second.send_get("/last");
  EXPECT_EQ(second.receive()->body, "together");
  EXPECT_EQ(first.receive()->body, "together");
  EXPECT_EQ(first.receive()->body, "together") << "the second request of the connection";
}

TEST(Reply, is_dropped_when_its_client_is_gone) {
  Service service;
  {
    Client client{service.address()};
    client.send_get("/hold");
    service.await_held(1);
    client.vanish();
  }
  service.release("late");
  Client other{service.address()};
  other.send_get("/now/x");
  EXPECT_EQ(other.receive()->body, "x");
  EXPECT_EQ(service.server().counters()->requests_in_flight, 0U);
}

TEST(Reply, sees_that_its_client_is_gone) {
  const auto path =
      std::filesystem::temp_directory_path() / ("codasync-reply-" + std::to_string(::getpid()));
  for (const std::string& address : {std::string{"127.0.0.1:0"}, "unix:" + path.string()}) {
    for (const auto* pipelined : {"", "GET /now/x HTTP/1.1\r\nHost: h\r\n\r\n"}) {
      auto options = Service::small();
      options.listen = {address};
      Service service{options};
      Client stays{service.address()};
      Client leaves{service.address()};
      for (auto* client : {&stays, &leaves}) {
        client->send_get("/hold");
        client->send(pipelined);  // bytes that wait must not hide the hang-up
      }
      service.await_held(2);
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
      EXPECT_EQ(service.held_without_client(), 0U);
      leaves.vanish();
      EXPECT_TRUE(eventually([&] { return service.held_without_client() == 1; })) << address;
      EXPECT_TRUE(eventually([&] { return service.server().counters()->connections == 1; }));
      service.release("done");
      EXPECT_EQ(stays.receive()->body, "done");
    }
  }
}

TEST(Reply, of_a_client_that_only_ended_its_sending_side_still_has_its_client) {
  Service service;
  Client client{service.address()};
  client.send_get("/hold");
  service.await_held(1);
  client.half_close();
  std::this_thread::sleep_for(std::chrono::milliseconds{100});
  EXPECT_EQ(service.held_without_client(), 0U);
  service.release("done");
  EXPECT_EQ(client.receive()->body, "done");
}

TEST(Reply, may_outlive_the_server_and_so_may_the_counters) {
  Service service;
  Client client{service.address()};
  client.send_get("/hold");
  service.await_held(1);
  EXPECT_EQ(service.held_without_client(), 0U);
  const auto counters = service.server().counters();
  service.stop();
  EXPECT_EQ(service.held_without_client(), 1U);
  EXPECT_EQ(counters->connections, 0U);
  EXPECT_EQ(counters->requests_in_flight, 1U);
  EXPECT_TRUE(client.closed_by_server());
  service.release("late");
}

TEST(Reply, counts_as_in_flight_until_it_is_sent) {
  Service service;
  Client client{service.address()};
  client.send_get("/hold");
  service.await_held(1);
  EXPECT_EQ(service.server().counters()->requests_in_flight, 1U);
  EXPECT_EQ(service.server().counters()->connections, 1U);
  service.release("done");
  EXPECT_EQ(client.receive()->body, "done");
  EXPECT_EQ(service.server().counters()->requests_in_flight, 0U);
}

}  // namespace
}  // namespace codasync::test
