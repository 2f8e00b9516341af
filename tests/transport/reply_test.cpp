#include <gtest/gtest.h>

#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

TEST(Reply, that_is_forgotten_answers_500) {
  Service service;
  for (const char* target : {"/drop", "/throw"}) {
    Client client{service.address()};
    client.send_get(target);
    const auto received = client.receive();
    ASSERT_TRUE(received) << target;
    EXPECT_EQ(received->status, 500);
    EXPECT_EQ(received->header("Content-Type"), "application/problem+json");
    EXPECT_EQ(received->body.find("secret"), std::string::npos)
        << "texts of exceptions stay inside";
    client.send_get("/now/next");
    EXPECT_EQ(client.receive()->body, "next");
  }
}

TEST(Reply, may_answer_from_within_the_dispatch_of_another_request) {
  std::vector<api::Reply> waiting;  // of one worker, so without a lock
  auto options = Service::small();
  options.workers = 1;
  api::Server server{options, [&](api::Request request, api::Reply reply) {
                       waiting.push_back(std::move(reply));
                       if (request.path != "/last") return;
                       for (auto& each : waiting) std::move(each).send({200, {}, "together"});
                       waiting.clear();
                     }};
  server.start();
  Client first{server.addresses().front()};
  first.send("GET /first HTTP/1.1\r\nHost: h\r\n\r\nGET /last HTTP/1.1\r\nHost: h\r\n\r\n");
  while (server.requests_in_flight() != 1) std::this_thread::yield();
  Client second{server.addresses().front()};
  second.send_get("/last");
  EXPECT_EQ(second.receive()->body, "together");
  EXPECT_EQ(first.receive()->body, "together");
  EXPECT_EQ(first.receive()->body, "together") << "its second request waited behind the first";
}

TEST(Reply, is_dropped_when_its_client_has_gone) {
  Service service;
  {
    Client client{service.address()};
    client.send_get("/hold");
    service.await_held(1);
    client.vanish();
  }
  service.release("nobody");
  Client other{service.address()};
  other.send_get("/now/x");
  EXPECT_EQ(other.receive()->body, "x");
  EXPECT_EQ(service.server().requests_in_flight(), 0U);
}

TEST(Reply, may_outlive_the_server) {
  Service service;
  Client client{service.address()};
  client.send_get("/hold");
  service.await_held(1);
  service.stop();
  EXPECT_TRUE(client.closed_by_server());
  service.release("nobody");
}

TEST(Reply, counts_as_in_flight_until_it_is_sent) {
  Service service;
  Client client{service.address()};
  client.send_get("/hold");
  service.await_held(1);
  EXPECT_EQ(service.server().requests_in_flight(), 1U);
  EXPECT_EQ(service.server().open_connections(), 1U);
  service.release("done");
  EXPECT_EQ(client.receive()->body, "done");
  EXPECT_EQ(service.server().requests_in_flight(), 0U);
}

}  // namespace
}  // namespace codasync::test
