#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <ifaddrs.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>

#include "cache/make_cache.hpp"
#include "cache/memcached_invalidation.hpp"
#include "cache/server_control.hpp"
#include "storage/errors.hpp"
#include "tests/support/memcached.hpp"
#include "tests/support/tcp_gate.hpp"

// A writer commits only when each deletion is acknowledged; otherwise the round throws Unavailable.

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;
using storage::SlotState;

class FailureRecorder : public Observer {
 public:
  void delete_failed(std::size_t slot, Unreachable reason, std::string_view) override {
    failed_slot = slot;
    failed_with = reason;
  }
  void deleted(std::size_t keys, std::chrono::nanoseconds) override { acknowledged += keys; }

  std::optional<std::size_t> failed_slot;
  std::optional<Unreachable> failed_with;
  std::size_t acknowledged{0};
};

class InvalidationTest : public testing::Test {
 protected:
  static MemcachedOptions options(std::vector<std::string> servers,
                                  std::chrono::milliseconds answer_timeout = 20s) {
    MemcachedOptions options;
    options.servers = std::move(servers);
    options.connect_timeout = options.answer_timeout = answer_timeout;
    return options;
  }
  [[nodiscard]] std::vector<std::string> both() const {
    return {memcached_[0].address(), memcached_[1].address()};
  }

  /// Shops with entries on both servers.
  static storage::Changes of_shops(int count = 100) {
    storage::Changes changes;
    for (int i = 1; i <= count; ++i) changes.shops.push_back(ShopId{i});
    return changes;
  }
  void put_all(const storage::Changes& changes, std::size_t slots = 2) const {
    for (const Key& key : keys_of(changes))
      memcached_[slot_of(key, slots)].ask("set " + key.text + " 0 0 3\r\nold");
  }
  [[nodiscard]] long items(std::size_t slot) const {
    const auto all = memcached_[slot].ask("stats");
    return std::stol(all.substr(all.find("STAT curr_items ") + 16));
  }

  test::Memcached memcached_[2];
  FailureRecorder observer_;
};

TEST_F(InvalidationTest, is_acknowledged_when_exactly_its_entries_are_deleted) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  put_all(of_shops());
  for (const auto& memcached : memcached_) memcached.ask("set coda1:other 0 0 3\r\nold");
  ASSERT_GT(items(0), 50);
  ASSERT_GT(items(1), 50);
  invalidation.begin(of_shops(), {})->acknowledge();
  EXPECT_EQ(items(0), 1);
  EXPECT_EQ(items(1), 1);
  EXPECT_EQ(observer_.acknowledged, keys_of(of_shops()).size());
}

TEST_F(InvalidationTest, of_ten_thousand_entries_at_once_deletes_all) {
  MemcachedInvalidation invalidation{options({memcached_[0].address()}), observer_};
  put_all(of_shops(200), 1);
  invalidation.begin(of_shops(10'000), {})->acknowledge();
  EXPECT_EQ(items(0), 0);
  EXPECT_EQ(observer_.acknowledged, 20'000U);
}

TEST_F(InvalidationTest, of_nothing_uses_no_server) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  memcached_[0].stop();
  memcached_[1].stop();
  EXPECT_NO_THROW(invalidation.begin({}, {})->acknowledge());
}

TEST_F(InvalidationTest, fails_when_a_server_has_ended_and_reports_a_refused_connection) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  memcached_[1].stop();
  EXPECT_THROW(invalidation.begin(of_shops(), {})->acknowledge(), Unavailable);
  EXPECT_EQ(observer_.failed_slot, 1U);
  EXPECT_EQ(observer_.failed_with, Unreachable::refused);
}

TEST_F(InvalidationTest, fails_when_a_server_does_not_respond_and_reports_that) {
  MemcachedInvalidation invalidation{options(both(), 200ms), observer_};
  put_all(of_shops());
  memcached_[0].freeze();
  EXPECT_THROW(invalidation.begin(of_shops(), {})->acknowledge(), Unavailable);
  EXPECT_EQ(observer_.failed_slot, 0U);
  EXPECT_EQ(observer_.failed_with, Unreachable::no_response);
  EXPECT_EQ(observer_.acknowledged, 0U);
}

TEST_F(InvalidationTest, fails_when_a_new_connection_breaks) {
  test::TcpGate gate{memcached_[0].address()};
  gate.set(test::TcpGate::Mode::cut);
  MemcachedInvalidation invalidation{options({gate.address()}), observer_};
  EXPECT_THROW(invalidation.begin(of_shops(), {})->acknowledge(), Unavailable);
  EXPECT_EQ(observer_.failed_with, Unreachable::no_response);
  EXPECT_EQ(gate.connections(), 1U) << "a new connection is not opened again";
}

TEST_F(InvalidationTest, is_repeated_when_the_server_closed_the_connection_after_the_last_round) {
  test::TcpGate gate{memcached_[0].address()};
  MemcachedInvalidation invalidation{options({gate.address()}), observer_};
  invalidation.begin(of_shops(), {})->acknowledge();
  gate.cut_now();
  put_all(of_shops(), 1);
  EXPECT_NO_THROW(invalidation.begin(of_shops(), {})->acknowledge());
  EXPECT_EQ(items(0), 0);
  EXPECT_EQ(gate.connections(), 2U);
}

TEST_F(InvalidationTest, does_not_read_a_late_reply_as_the_reply_to_a_later_command) {
  MemcachedInvalidation invalidation{options({memcached_[0].address()}, 2s), observer_};
  invalidation.begin(of_shops(1), {})->acknowledge();
  memcached_[0].freeze();
  EXPECT_THROW(invalidation.begin(of_shops(1), {})->acknowledge(), Unavailable);
  memcached_[0].thaw();
  ASSERT_TRUE(test::eventually([&] { return items(0) == 0; }));
  put_all(of_shops(), 1);
  invalidation.begin(of_shops(), {})->acknowledge();
  EXPECT_EQ(items(0), 0);
}

TEST_F(InvalidationTest, fails_for_a_slot_that_may_still_contain_old_entries) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  EXPECT_THROW(invalidation.begin(of_shops(), {SlotState::up, SlotState::waiting}), Unavailable);
}

TEST_F(InvalidationTest, does_not_use_a_slot_that_is_down) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  put_all(of_shops());
  memcached_[1].freeze();
  EXPECT_NO_THROW(invalidation.begin(of_shops(), {SlotState::up, SlotState::down})->acknowledge());
  EXPECT_EQ(items(0), 0);
}

TEST_F(InvalidationTest, fails_with_a_reply_that_is_not_an_acknowledgement) {
  TextConnection connection{*parse_address(memcached_[0].address()), 20s};
  connection.begin("no_such_command\r\n", 1);
  EXPECT_THROW(
      {
        test::eventually([&] {
          connection.advance();
          return false;
        });
      },
      TextFailure);
  EXPECT_FALSE(connection.usable());
}

class ServerControlTest : public InvalidationTest {
 protected:
  std::unique_ptr<ServerControl> servers_ = make_server_control(options(both()));
};

TEST_F(ServerControlTest, flushes_one_server) {
  put_all(of_shops());
  EXPECT_EQ(servers_->flush(1, "1/2 identity"), std::nullopt);
  EXPECT_EQ(memcached_[1].ask("get " + shop_row(ShopId{1}).text), "END");
  EXPECT_GT(items(0), 50) << "the other one is unchanged";
}

TEST_F(ServerControlTest, deletes_nothing_with_a_probe) {
  put_all(of_shops());
  const auto before = items(0);
  EXPECT_EQ(servers_->probe(0), std::nullopt);
  EXPECT_EQ(items(0), before);
}

TEST_F(ServerControlTest, distinguishes_a_refused_connection_from_no_response) {
  memcached_[0].freeze();
  memcached_[1].stop();
  const auto short_timeout = make_server_control(options(both(), 500ms));
  EXPECT_EQ(short_timeout->probe(0), Unreachable::no_response);
  EXPECT_EQ(short_timeout->flush(0, "0/2 identity"), Unreachable::no_response);
  EXPECT_EQ(servers_->probe(1), Unreachable::refused);
  EXPECT_EQ(servers_->flush(1, "1/2 identity"), Unreachable::refused);
}

/// A port of all addresses of this machine that is taken, and at which nothing listens.
class ClosedPort {
 public:
  ClosedPort() {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_, generic, size), 0);
    EXPECT_EQ(getsockname(socket_, generic, &size), 0);
    port_ = ":" + std::to_string(ntohs(address.sin6_port));
  }
  ~ClosedPort() { close(socket_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;

  [[nodiscard]] std::string at(const std::string& host) const { return host + port_; }

 private:
  const int socket_ = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string port_;
};

/// Returns: an IPv4 address of this machine that others may have, too; empty: it has none.
std::string outer_address() {
  ifaddrs* all = nullptr;
  EXPECT_EQ(getifaddrs(&all), 0);
  std::string found;
  for (const auto* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    const auto& address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &address, text.data(), text.size());
    if (!std::string_view{text.data()}.starts_with("127.")) found = text.data();
  }
  freeifaddrs(all);
  return found;
}

// Elsewhere a firewall may have refused the connection, and the process still runs.
TEST_F(ServerControlTest, reads_a_refused_connection_as_an_ended_process_on_this_machine_only) {
  const ClosedPort port;
  const auto probe = [&](const std::string& host) {
    return make_server_control(options({port.at(host), memcached_[1].address()}))->probe(0);
  };
  EXPECT_EQ(probe("127.0.0.1"), Unreachable::refused);
  EXPECT_EQ(probe("127.1.2.3"), Unreachable::refused);
  EXPECT_EQ(probe("[::1]"), Unreachable::refused);
  const auto outer = outer_address();
  if (outer.empty()) GTEST_SKIP() << "this machine has loopback addresses only";
  EXPECT_EQ(probe(outer), Unreachable::no_response);
}

TEST_F(ServerControlTest, reads_a_missing_socket_as_no_response) {
  auto made = options(both());
  made.servers[0] = "unix:/nowhere/memcached";
  EXPECT_EQ(make_server_control(made)->probe(0), Unreachable::no_response)
      << "the process may still run";
}

}  // namespace
}  // namespace codasync::cache
