#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "api/transport/server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

// Bodies that the service reads piece by piece.

namespace codasync::test {
namespace {

using namespace std::chrono_literals;
using api::Reply;
using api::Request;
using api::Response;

constexpr std::size_t kBytesMax = 8'000'000;

/// A server whose POST requests are uploads. Its service reads the body of `/read` and answers with
/// the number of its bytes and its last one, refuses `/refuse` without reading, and reads the body
/// of
/// `/wait` when go() is called.
class Uploads : public ::testing::Test {
 protected:
  Uploads() : Uploads{Service::small()} {}
  explicit Uploads(const api::ServerOptions& options)
      : server_{options,
                [this](Request request, Reply reply) {
                  dispatch(std::move(request), std::move(reply));
                },
                [] {},
                {},
                [](const Request& head) {
                  return head.method == api::Method::post ? std::optional{kBytesMax} : std::nullopt;
                }} {
    server_.start();
  }

  Client client() { return Client{server_.addresses().front()}; }
  void go() {
    go_ = true;
    go_.notify_all();
  }
  [[nodiscard]] std::size_t bytes_read() const { return bytes_; }

  static std::string post(const std::string& path, const std::string& headers) {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n\r\n";
  }
  static std::string sized(std::size_t bytes) { return "Content-Length: " + std::to_string(bytes); }

 private:
  void dispatch(Request request, Reply reply) {
    if (request.path == "/refuse") return std::move(reply).send({403, {}, "no"});
    if (!request.upload) return std::move(reply).send({200, {}, "no upload"});
    auto kept = std::make_shared<std::pair<Request, Reply>>(std::move(request), std::move(reply));
    pool_.post([this, kept] {
      auto& [read, answer] = *kept;
      if (read.path == "/wait") go_.wait(false);
      char last = '-';
      for (;;) {
        const auto piece = read.upload->next();
        if (!piece) {
          return std::move(answer).send(
              {piece.error().status, {}, std::string{piece.error().type}});
        }
        if (piece->empty()) break;
        bytes_ += piece->size();
        last = piece->back();
      }
      std::move(answer).send({200, {}, std::to_string(bytes_) + last});
    });
  }

  std::atomic<bool> go_{false};
  std::atomic<std::size_t> bytes_{0};
  api::Server server_;
  Pool pool_{2};  // ends first: its work uses the other members
};

TEST_F(Uploads, arrive_completely_by_length_and_in_chunks) {
  const std::string body(3'000'000, 'x');
  auto sized_client = client();
  ASSERT_TRUE(sized_client.send(post("/read", sized(body.size() + 1)) + body + "."));
  const auto answer = sized_client.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "3000001.");
  EXPECT_EQ(answer->header("Connection"), "close") << "an upload is the last request";
  EXPECT_TRUE(sized_client.closed_by_server());

  auto chunked = client();
  ASSERT_TRUE(chunked.send(post("/read", "Transfer-Encoding: chunked")));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(chunked.send("5\r\nabcd.\r\n"));
  ASSERT_TRUE(chunked.send("0\r\n\r\n"));
  EXPECT_EQ(chunked.receive()->body, "3000016.");
  auto empty = client();
  ASSERT_TRUE(empty.send(post("/read", sized(0))));
  EXPECT_EQ(empty.receive()->body, "3000016-");
}

TEST_F(Uploads, are_read_no_faster_than_the_service_takes_them) {
  auto slow = client();
  const std::string body(kBytesMax, 'x');
  std::atomic<bool> sent{false};
  std::jthread sender{[&] {
    ASSERT_TRUE(slow.send(post("/wait", sized(body.size())) + body));
    sent = true;
  }};
  std::this_thread::sleep_for(300ms);
  EXPECT_FALSE(sent) << "8 MB do not fit into the buffers of the sockets";
  EXPECT_EQ(bytes_read(), 0U);
  go();
  sender.join();
  EXPECT_EQ(slow.receive()->body, "8000000x");
}

TEST_F(Uploads, can_be_refused_without_reading_them) {
  auto refused = client();
  const std::string body(5'000'000, 'x');
  refused.send(post("/refuse", sized(body.size())) + body);
  const auto answer = refused.receive();
  ASSERT_TRUE(answer) << "no reset overtakes the response";
  EXPECT_EQ(answer->status, 403);
}

TEST_F(Uploads, that_are_too_long_are_413) {
  auto sized_client = client();
  ASSERT_TRUE(sized_client.send(post("/read", sized(kBytesMax + 1))));
  EXPECT_EQ(sized_client.receive()->status, 413);
  auto chunked = client();
  ASSERT_TRUE(chunked.send(post("/read", "Transfer-Encoding: chunked") + "7fffffff\r\n"));
  EXPECT_EQ(chunked.receive()->body, "content-too-large");
  auto malformed = client();
  ASSERT_TRUE(malformed.send(post("/read", "Transfer-Encoding: chunked") + "5\r\nabcdefg\r\n"));
  EXPECT_EQ(malformed.receive()->body, "malformed-request");
}

TEST_F(Uploads, send_100_continue_when_the_service_reads) {
  auto careful = client();
  ASSERT_TRUE(careful.send(post("/wait", sized(3) + "\r\nExpect: 100-continue")));
  std::this_thread::sleep_for(100ms);
  EXPECT_FALSE(careful.ended());
  go();
  EXPECT_EQ(careful.receive(true)->status, 100);
  ASSERT_TRUE(careful.send("abc"));
  EXPECT_EQ(careful.receive()->body, "3c");
}

TEST_F(Uploads, end_when_the_client_goes) {
  auto lost = client();
  ASSERT_TRUE(lost.send(post("/read", sized(1000)) + "abc"));
  ASSERT_TRUE(eventually([&] { return bytes_read() == 3; }));
  lost.vanish();
  auto next = client();  // both threads of the pool are free again
  auto other = client();
  for (auto* each : {&next, &other}) ASSERT_TRUE(each->send(post("/read", sized(1)) + "x"));
  EXPECT_EQ(next.receive()->status, 200);
  EXPECT_EQ(other.receive()->status, 200);
}

class ImpatientUploads : public Uploads {
 protected:
  ImpatientUploads() : Uploads{options()} {}
  static api::ServerOptions options() {
    auto options = Service::small();
    options.request_timeout = 300ms;
    return options;
  }
};

TEST_F(ImpatientUploads, have_408_when_a_piece_takes_too_long) {
  auto slow = client();
  ASSERT_TRUE(slow.send(post("/read", sized(10))));
  for (int i = 0; i < 4; ++i) {
    std::this_thread::sleep_for(100ms);
    ASSERT_TRUE(slow.send("x"));
  }
  const auto answer = slow.receive();
  EXPECT_EQ(answer->status, 408) << "each piece renews the time, but the last ones never come";
  EXPECT_EQ(bytes_read(), 4U);
}

}  // namespace
}  // namespace codasync::test
