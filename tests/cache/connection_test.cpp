#include "cache/connection.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <list>
#include <vector>

#include "tests/support/memcached.hpp"
#include "tests/support/tcp_gate.hpp"

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const Key kTea{"coda1:tea"};
const Key kMilk{"coda1:milk"};
const Key kSalt{"coda1:salt"};

/// Much longer than the short time-outs below, and shorter than libmemcached's own of 4 and 5 s.
constexpr auto kSoon = 3500ms;

class ConnectionTest : public testing::Test {
 protected:
  static MemcachedOptions with(std::chrono::milliseconds timeout) {
    MemcachedOptions options;
    options.connect_timeout = options.answer_timeout = timeout;
    return options;
  }
  [[nodiscard]] Address address() const { return *parse_address(memcached_.address()); }
  [[nodiscard]] std::string value_of(const Key& key) const {
    return memcached_.ask("get " + key.text);
  }
  static std::chrono::nanoseconds time_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::steady_clock::now() - start;
  }

  test::Memcached memcached_;
  Connection connection_{address(), with(20s)};
};

TEST_F(ConnectionTest, finds_many_at_once_and_reports_which) {
  ASSERT_EQ(connection_.set(kTea, "green", 0, 60s), Reply::yes);
  ASSERT_EQ(connection_.add(kSalt, {"\0\r\n", 3}, 7, 60s), Reply::yes);
  std::vector<std::pair<std::size_t, std::string>> found;
  std::uint32_t flags{0};
  const std::vector<const Key*> keys{&kTea, &kMilk, &kSalt};
  ASSERT_EQ(connection_.send_get(keys), Reply::yes);
  EXPECT_FALSE(connection_.usable()) << "the reply has to be read first";
  const auto add = [&](std::size_t i, Entry entry) {
    found.emplace_back(i, entry.bytes);
    flags = entry.flags;
    EXPECT_NE(entry.cas, 0U);
  };
  EXPECT_EQ(connection_.receive(keys, add, std::chrono::steady_clock::now() + 20s), Reply::yes);
  EXPECT_TRUE(connection_.usable());
  EXPECT_THAT(found, ElementsAre(Pair(0, "green"), Pair(2, std::string{"\0\r\n", 3})));
  EXPECT_EQ(flags, 7U);
}

TEST_F(ConnectionTest, distinguishes_a_missing_entry_from_a_missing_server) {
  Entry entry;
  EXPECT_EQ(connection_.get(kTea, entry), Reply::no);
  EXPECT_TRUE(connection_.usable());
  memcached_.stop();
  EXPECT_EQ(connection_.get(kTea, entry), Reply::no_response);
  EXPECT_FALSE(connection_.usable());
  EXPECT_FALSE(connection_.explain().empty());
}

TEST_F(ConnectionTest, replaces_an_entry_only_while_it_has_the_id) {
  Entry entry;
  ASSERT_EQ(connection_.add(kTea, "lease", 0, 60s), Reply::yes);
  ASSERT_EQ(connection_.get(kTea, entry), Reply::yes);
  memcached_.ask("delete " + kTea.text);
  EXPECT_EQ(connection_.replace(kTea, "old", 0, 60s, entry.cas), Reply::no) << "it was deleted";
  ASSERT_EQ(connection_.add(kTea, "lease", 0, 60s), Reply::yes);
  EXPECT_EQ(connection_.replace(kTea, "old", 0, 60s, entry.cas), Reply::no) << "and added again";
  EXPECT_EQ(connection_.remove(kTea, entry.cas), Reply::no);
  ASSERT_EQ(connection_.get(kTea, entry), Reply::yes);
  EXPECT_EQ(entry.bytes, "lease");
  EXPECT_EQ(connection_.replace(kTea, "new", 0, 60s, entry.cas), Reply::yes);
  ASSERT_EQ(connection_.get(kTea, entry), Reply::yes);
  EXPECT_EQ(entry.bytes, "new");
  EXPECT_EQ(connection_.remove(kTea, entry.cas), Reply::yes);
  EXPECT_EQ(connection_.get(kTea, entry), Reply::no);
}

TEST_F(ConnectionTest, sends_no_key_that_would_be_a_command) {
  ASSERT_EQ(connection_.set(kTea, "green", 0, 60s), Reply::yes);
  Entry entry;
  EXPECT_EQ(connection_.get(Key{"x\r\nflush_all\r\nget x"}, entry), Reply::rejected);
  EXPECT_THAT(value_of(kTea), HasSubstr("green"));
}

TEST_F(ConnectionTest, waits_for_a_reply_no_longer_than_answer_timeout) {
  Connection connection{address(), with(500ms)};
  Entry entry;
  ASSERT_EQ(connection.get(kTea, entry), Reply::no);
  memcached_.freeze();
  EXPECT_LT(time_of([&] { EXPECT_EQ(connection.get(kTea, entry), Reply::no_response); }), kSoon);
  EXPECT_FALSE(connection.usable()) << "the reply may still come";
}

TEST_F(ConnectionTest, waits_for_a_connection_no_longer_than_connect_timeout) {
  // A listener with a full queue: the kernel drops further connection attempts.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof local;
  auto* raw = reinterpret_cast<sockaddr*>(&local);
  ASSERT_EQ(bind(listener, raw, size), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  ASSERT_EQ(getsockname(listener, raw, &size), 0);
  std::list<int> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    static_cast<void>(connect(waiting.back(), raw, size));
  }
  Connection connection{{.path = {}, .host = "127.0.0.1", .port = ntohs(local.sin_port)},
                        with(500ms)};
  Entry entry;
  EXPECT_LT(time_of([&] { EXPECT_EQ(connection.get(kTea, entry), Reply::no_response); }), kSoon);
  for (const int descriptor : waiting) close(descriptor);
  close(listener);
}

TEST_F(ConnectionTest, is_not_usable_again_after_a_reset) {
  test::TcpGate gate{memcached_.address()};
  Connection connection{*parse_address(gate.address()), with(20s)};
  Entry entry;
  ASSERT_EQ(connection.get(kTea, entry), Reply::no);
  gate.cut_now();
  EXPECT_EQ(connection.get(kTea, entry), Reply::no_response);
  EXPECT_FALSE(connection.usable());
}

TEST_F(ConnectionTest, is_not_usable_again_after_an_error_of_the_server) {
  EXPECT_EQ(connection_.set(kTea, std::string(2'000'000, 'x'), 0, 60s), Reply::rejected);
  EXPECT_FALSE(connection_.usable()) << "the server may have read half a command";
}

}  // namespace
}  // namespace codasync::cache
