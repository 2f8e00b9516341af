#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <future>
#include <thread>

#include "cache/inventory.hpp"
#include "cache/server.hpp"
#include "cache/server_control.hpp"
#include "cache/text_connection.hpp"
#include "storage/errors.hpp"
#include "tests/support/process.hpp"

// A server at Memcached's address that sends replies which Memcached never sends, or parts of them.
// The cache may become unavailable; the process must not end, and no result may be wrong.

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;

/// Sends the same reply to the first bytes of each connection, and closes it.
class InvalidServer {
 public:
  explicit InvalidServer(std::string reply) : reply_{std::move(reply)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    thread_ = std::jthread{[this] { serve(); }};
  }
  ~InvalidServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
    std::filesystem::remove_all(directory_);
  }
  InvalidServer(const InvalidServer&) = delete;
  InvalidServer& operator=(const InvalidServer&) = delete;

  [[nodiscard]] MemcachedOptions options() const {
    MemcachedOptions options;
    options.servers = {"unix:" + path_};
    options.connect_timeout = options.answer_timeout = 1s;
    options.rest_after_failure = 0ms;
    return options;
  }
  [[nodiscard]] Address address() const { return *parse_address("unix:" + path_); }

 private:
  void serve() const {
    for (int client = 0; (client = accept(listener_, nullptr, nullptr)) >= 0; close(client)) {
      std::array<char, 4096> buffer;
      if (recv(client, buffer.data(), buffer.size(), 0) <= 0) continue;
      for (std::size_t sent = 0; sent < reply_.size();) {
        const auto size = send(client, reply_.data() + sent, reply_.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) break;
        sent += static_cast<std::size_t>(size);
      }
    }
  }

  const std::string reply_;
  const std::string directory_ = test::make_scratch_directory();
  const std::string path_ = directory_ + "/socket";
  const int listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::jthread thread_;
};

const Key kTea{"coda1:tea"};
const Key kCoffee{"coda1:coffee"};

std::vector<std::string> invalid_replies() {
  const std::string tea{"VALUE coda1:tea 4102444800 5 1\r\nhello\r\n"};
  using namespace std::string_literals;
  return {
      "",
      "\n",
      "\r\n",
      "ERROR\r\n",
      "SERVER_ERROR out of memory\r\n",
      "CLIENT_ERROR bad\r\n",
      "END",
      "END\n",
      "ENDED\r\n",
      "DELETED",
      "DELETED\r\nDELETED\r\n",
      "NOT_FOUND \r\n",
      "OK",
      "STORED\r\n",
      "VALUE",
      "VALUE \r\n",
      "VALUE coda1:tea\r\n",
      "VALUE coda1:tea 4102444800\r\n",
      "VALUE coda1:tea 4102444800 5\r\nhel",
      "VALUE coda1:tea 4102444800 5 1\r\nhello",
      tea,
      "VALUE coda1:tea 4102444800 4 1\r\nhello\r\nEND\r\n",
      "VALUE coda1:tea 4102444800 6 1\r\nhello\r\nEND\r\n",
      "VALUE coda1:tea 4102444800 -1 1\r\nhello\r\nEND\r\n",
      "VALUE coda1:tea 4102444800 18446744073709551615 1\r\nhello\r\nEND\r\n",
      "VALUE coda1:tea 4102444800 99999999999999999999999 1\r\nhello\r\nEND\r\n",
      "VALUE coda1:tea 4102444800 4294967301 1\r\nhello\r\nEND\r\n",
      "VALUE coda1:other 4102444800 5 1\r\nhello\r\nEND\r\n",
      tea + tea + "END\r\n",
      "VALUE coda1:tea x y z\r\nhello\r\nEND\r\n",
      "STAT uptime x\r\nEND\r\n",
      "VERSION \r\n",
      "-ERR unknown command\r\n",
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
      "VERSION 99999999999999999999.x.y\r\n",
      std::string(1000, '\0'),
      std::string(100'000, 'x'),
      // NOLINTNEXTLINE(bugprone-string-constructor): it is longer than every buffer
      std::string(20'000'000, 'x'),
      "key=",
      "key=\r\nEND\r\n",
      "key=coda1%3\r\nEND\r\n",
      "key=coda1%3Atea%\r\nEND\r\n",
      "key=coda1%3Atea%2\r\nEND\r\n",
      "key=coda1%3Atea%2F\r\nEND\r\n",
      "key=%zz%00%0a exp\r\nEND\r\n",
      "BUSY",
  };
}

class InvalidReply : public testing::TestWithParam<std::size_t> {
 protected:
  const std::string reply_ = invalid_replies()[GetParam()];
  InvalidServer server_{reply_};
  Observer observer_;
};

TEST_P(InvalidReply, to_a_look_up_gives_no_bytes_that_it_does_not_contain) {
  Server server{0, server_.address(), server_.options(), observer_};
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) {
    const auto found = server.find(kTea, kCoffee, Probe::yes).first;
    EXPECT_THAT(found.bytes, testing::AnyOf("", "hello", "hell", "hello\r"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST_P(InvalidReply, does_not_acknowledge_two_deletions) {
  const auto start = std::chrono::steady_clock::now();
  try {
    TextConnection connection{server_.address(), 1s};
    connection.begin("delete coda1:tea\r\ndelete coda1:coffee\r\n", 2);
    while (!connection.done() && std::chrono::steady_clock::now() - start < 2s)
      connection.advance();
    EXPECT_EQ(connection.done(), reply_ == "DELETED\r\nDELETED\r\n") << reply_.substr(0, 100);
  } catch (const TextFailure& failure) {
    EXPECT_EQ(failure.reason(), Unreachable::no_response);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  const auto servers = make_server_control(server_.options());
  EXPECT_EQ(servers->probe(0), Unreachable::no_response) << reply_.substr(0, 100);
  EXPECT_EQ(servers->flush(0, "0/1 identity"), Unreachable::no_response) << reply_.substr(0, 100);
}

TEST_P(InvalidReply, lists_no_wrong_entries) {
  const Inventory inventory{server_.options()};
  std::vector<std::string> keys;
  try {
    inventory.for_each_key(0, [&](const Key& key) { keys.push_back(key.text); });
  } catch (const Unavailable&) {
  }
  EXPECT_LE(keys.size(), 1U);
  try {
    EXPECT_LE(inventory.read(0, kTea).value_or("").size(), reply_.size());
  } catch (const Unavailable&) {
  }
}

INSTANTIATE_TEST_SUITE_P(All, InvalidReply,
                         testing::Range(std::size_t{0}, invalid_replies().size()));

}  // namespace
}  // namespace codasync::cache
