#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/support/eventually.hpp"
#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

// Responses that are sent piece by piece.

namespace codasync::test {
namespace {

using namespace std::chrono_literals;
using api::kStreamBufferBytes;
using api::ResponseStream;

/// Returns: the stream of a client that has received its head.
ResponseStream begin(Service& service, Client& client) {
  client.send_get("/stream");
  auto streams = service.take_streams(1);
  EXPECT_EQ(client.receive()->status, 200);
  return std::move(streams.at(0));
}

/// A server on a Unix socket, whose own buffer does not grow.
class UnixStream : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / "codasync-stream-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] api::ServerOptions options() const {
    auto options = Service::small();
    options.listen = {"unix:" + folder_ + "/socket"};
    return options;
  }

 private:
  std::string folder_;
};

TEST(Stream, is_sent_in_chunks_until_its_end_and_then_closed) {
  Service service;
  Client client{service.address()};
  client.send_get("/stream");
  {
    auto streams = service.take_streams(1);
    const auto head = client.receive();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->header("Transfer-Encoding"), "chunked");
    EXPECT_EQ(head->header("Connection"), "close");
    EXPECT_EQ(head->header("Content-Length"), std::nullopt);
    EXPECT_EQ(head->header("X-Test"), "yes");
    EXPECT_TRUE(streams[0].write("one"));
    EXPECT_EQ(client.receive_chunk(), "one");
    EXPECT_TRUE(streams[0].write("two, after the client had the first"));
    EXPECT_EQ(client.receive_chunk(), "two, after the client had the first");
    EXPECT_EQ(service.server().counters()->requests_in_flight, 0U);
  }
  EXPECT_EQ(client.receive_chunk(), "");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(Stream, that_is_cut_off_has_no_end) {
  Service service;
  Client client{service.address()};
  auto stream = begin(service, client);
  EXPECT_TRUE(stream.write("one"));
  EXPECT_EQ(client.receive_chunk(), "one");
  EXPECT_TRUE(eventually([&] { return stream.all_taken(); }));
  stream.cut_off();
  EXPECT_EQ(client.receive_chunk(), std::nullopt) << "not the empty chunk";
  EXPECT_TRUE(eventually([&] { return stream.client_gone(); }));
}

TEST(Stream, has_its_pieces_in_order) {
  constexpr int kPieces = 2000;
  Service service;
  Client client{service.address()};
  auto stream = begin(service, client);
  std::thread writer{[&] {
    for (int i = 0; i < kPieces; ++i) {
      while (!stream.write(std::to_string(i) + std::string(100, '.'))) std::this_thread::yield();
    }
  }};
  for (int i = 0; i < kPieces; ++i)
    ASSERT_EQ(client.receive_chunk(), std::to_string(i) + std::string(100, '.'));
  writer.join();
}

TEST(Stream, has_no_chunks_for_clients_of_http_1_0) {
  Service service;
  Client client{service.address()};
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  {
    auto streams = service.take_streams(1);
    const auto head = client.receive();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->header("Transfer-Encoding"), std::nullopt);
    EXPECT_TRUE(streams[0].write("one"));
    EXPECT_TRUE(streams[0].write(" two"));
  }
  EXPECT_EQ(client.receive_rest(), "one two");
}

TEST(Stream, of_a_head_request_has_no_body_and_keeps_the_connection) {
  Service service;
  Client client{service.address()};
  client.send("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  auto streams = service.take_streams(1);
  EXPECT_EQ(client.receive(true)->header("Transfer-Encoding"), "chunked");
  EXPECT_TRUE(streams[0].client_gone());
  EXPECT_FALSE(streams[0].write("x"));
  client.send_get("/now/next");
  EXPECT_EQ(client.receive()->body, "next");
}

TEST_F(UnixStream, detects_that_its_client_left) {
  for (const auto& options : {Service::small(), this->options()}) {
    Service service{options};
    for (const bool orderly : {true, false}) {
      auto client = std::make_unique<Client>(service.address());
      auto stream = begin(service, *client);
      EXPECT_FALSE(stream.client_gone());
      if (!orderly) client->vanish();
      client.reset();
      EXPECT_TRUE(eventually([&] { return stream.client_gone(); })) << service.address();
      EXPECT_FALSE(stream.write("x"));
      EXPECT_TRUE(eventually([&] { return service.server().counters()->connections == 0; }));
    }
    EXPECT_EQ(service.server().counters()->streams_dropped, 0U);
  }
}

TEST_F(UnixStream, is_dropped_with_a_bounded_buffer_when_its_client_reads_nothing) {
  auto options = this->options();
  options.write_timeout = 100ms;
  Service service{options};
  Client slow{service.address()};
  Client other{service.address()};
  auto stream = begin(service, slow);
  auto others = begin(service, other);
  const std::string piece(1000, 'x');
  std::size_t taken{0};
  EXPECT_TRUE(eventually([&] {
    while (stream.write(piece)) ++taken;
    return stream.client_gone();
  }));
  // A Unix socket's own buffer has about 200 KB.
  EXPECT_LT(taken * piece.size(), kStreamBufferBytes + 512UL * 1024);
  EXPECT_EQ(service.server().counters()->streams_dropped, 1U);
  EXPECT_TRUE(others.write("still there"));
  EXPECT_EQ(other.receive_chunk(), "still there");
  std::size_t whole{0};
  for (auto chunk = slow.receive_chunk(); chunk; chunk = slow.receive_chunk()) {
    ASSERT_EQ(*chunk, piece);  // no end of the body: it is not complete
    ++whole;
  }
  EXPECT_GT(whole, 0U);
}

TEST_F(UnixStream, continues_when_a_slow_client_reads_again) {
  constexpr int kPieces = 5000;
  Service service{options()};
  Client client{service.address()};
  auto stream = begin(service, client);
  const std::string rest(1000, 'x');
  std::atomic<bool> refused{false};
  std::thread writer{[&] {
    for (int i = 0; i < kPieces; ++i) {
      while (!stream.write(std::to_string(i) + rest)) {
        refused = true;
        std::this_thread::yield();
      }
    }
  }};
  EXPECT_TRUE(eventually([&] { return refused && !stream.has_room(); }));
  for (int i = 0; i < kPieces; ++i) ASSERT_EQ(client.receive_chunk(), std::to_string(i) + rest);
  writer.join();
  EXPECT_TRUE(eventually([&] { return stream.has_room(); }));
}

TEST(Stream, refuses_a_piece_that_is_larger_than_its_buffer) {
  Service service;
  Client client{service.address()};
  auto stream = begin(service, client);
  EXPECT_FALSE(stream.write(std::string(kStreamBufferBytes, 'x')));
  EXPECT_TRUE(stream.write("small"));
  EXPECT_EQ(client.receive_chunk(), "small");
}

TEST(Stream, has_no_deadline_between_its_pieces) {
  auto options = Service::small();
  options.idle_timeout = options.request_timeout = options.write_timeout = 40ms;
  Service service{options};
  Client client{service.address()};
  Client idle{service.address()};
  auto stream = begin(service, client);
  EXPECT_TRUE(idle.closed_by_server());  // deadlines have passed
  EXPECT_FALSE(client.ended());
  EXPECT_TRUE(stream.write("late"));
  EXPECT_EQ(client.receive_chunk(), "late");
}

TEST(Stream, discards_what_its_client_sends) {
  Service service;
  Client client{service.address()};
  auto stream = begin(service, client);
  for (int i = 0; i < 100; ++i) client.send(std::string(10'000, 'x'));
  client.send_get("/now/x");
  EXPECT_TRUE(stream.write("one"));
  EXPECT_EQ(client.receive_chunk(), "one");
  EXPECT_FALSE(stream.client_gone());
}

TEST(Stream, is_complete_after_a_drain_and_holds_it_until_it_ends) {
  Service service;
  Client client{service.address()};
  auto stream = std::make_unique<ResponseStream>(begin(service, client));
  EXPECT_FALSE(service.server().drain(1ms));
  EXPECT_TRUE(stream->write("the last piece"));
  stream.reset();
  EXPECT_EQ(client.receive_chunk(), "the last piece");
  EXPECT_EQ(client.receive_chunk(), "");
  EXPECT_TRUE(client.closed_by_server());
  client.half_close();
  EXPECT_TRUE(service.server().drain(10s));
}

TEST_F(UnixStream, delays_a_drain_by_little_when_its_client_does_not_read) {
  Service service{options()};
  Client client{service.address()};
  auto stream = std::make_unique<ResponseStream>(begin(service, client));
  const std::string piece(1000, 'x');
  EXPECT_TRUE(eventually([&] { return !stream->write(piece) && !stream->has_room(); }));
  stream.reset();
  EXPECT_TRUE(service.server().drain(10s));  // write_timeout is 60 s
}

TEST(Stream, may_outlive_its_server) {
  Service service;
  Client client{service.address()};
  auto stream = begin(service, client);
  service.stop();
  EXPECT_TRUE(stream.client_gone());
  EXPECT_FALSE(stream.write("x"));
}

}  // namespace
}  // namespace codasync::test
