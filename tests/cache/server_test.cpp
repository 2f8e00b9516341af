#include "cache/server.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <chrono>

#include "cache/memcached_invalidation.hpp"
#include "tests/support/memcached.hpp"
#include "tests/support/sealed.hpp"
#include "tests/support/tcp_gate.hpp"

// Everything that can happen to a lease between the placeholder and the entry. The data of the
// entry was read from the database before. If the placeholder was deleted meanwhile, the data is
// old and must not be stored.

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Key kTea{"coda1:tea"};
const Key kCoffee{"coda1:coffee"};

class ServerTest : public testing::Test {
 protected:
  static MemcachedOptions options() {
    MemcachedOptions options;
    // Long, because these tests are not about the speed of the machine.
    options.connect_timeout = options.answer_timeout = 20s;
    options.lease_ttl = 60s;
    options.rest_after_failure = 0ms;
    return options;
  }
  static MemcachedOptions short_timeout() {
    auto made = options();
    made.answer_timeout = 1s;
    return made;
  }
  [[nodiscard]] Server server_at(const std::string& address, const MemcachedOptions& made) {
    return Server{0, *parse_address(address), made, observer_};
  }
  [[nodiscard]] std::string get(const Key& key) const { return memcached_.ask("get " + key.text); }
  [[nodiscard]] std::string get_with_id(const Key& key) const {
    return memcached_.ask("gets " + key.text);
  }
  void add(const Key& key, const std::string& bytes) const {
    EXPECT_THAT(memcached_.ask("add " + key.text + " 1 60 " + std::to_string(bytes.size()) +
                               "\r\n" + bytes),
                HasSubstr("STORED"));
  }
  /// Returns: a counter of the server.
  [[nodiscard]] long statistic(const std::string& name) const {
    const auto all = memcached_.ask("stats");
    const auto at = all.find("STAT " + name + " ");
    return at == std::string::npos ? -1 : std::stol(all.substr(at + name.size() + 6));
  }

  test::Memcached memcached_;
  Observer observer_;
  Server server_{0, *parse_address(memcached_.address()), options(), observer_};
};

TEST_F(ServerTest, gives_one_lease_and_the_next_when_that_has_ended) {
  {
    const auto lease = server_.lease(kTea);
    ASSERT_TRUE(lease);
    EXPECT_FALSE(server_.lease(kTea));
    EXPECT_EQ(server_.find(kTea, kCoffee, Probe::yes).first.state, LookupState::miss)
        << "a placeholder is not an entry";
  }
  EXPECT_TRUE(server_.lease(kTea));
}

TEST_F(ServerTest, stores_under_a_valid_lease) {
  ASSERT_TRUE(server_.lease(kTea)->store({"green", now()}));
  const auto found = server_.find(kTea, kCoffee, Probe::yes).first;
  EXPECT_EQ(found.state, LookupState::hit);
  EXPECT_EQ(found.bytes, "green");
  EXPECT_FALSE(server_.lease(kTea)) << "there is nothing to fill";
}

TEST_F(ServerTest, stores_nothing_once_the_placeholder_was_deleted) {
  auto lease = server_.lease(kTea);
  memcached_.ask("delete " + kTea.text);
  EXPECT_FALSE(lease->store({"old", now()}));
  EXPECT_EQ(get(kTea), "END");
}

TEST_F(ServerTest, stores_nothing_over_the_placeholder_of_another_filler) {
  auto lease = server_.lease(kTea);
  memcached_.ask("delete " + kTea.text);
  auto other = server_.lease(kTea);
  ASSERT_TRUE(other);
  EXPECT_FALSE(lease->store({"old", now()}));
  EXPECT_TRUE(other->store({"new", now()}));
  EXPECT_THAT(get(kTea), HasSubstr("new"));
}

TEST_F(ServerTest, removes_its_own_placeholder_and_no_other) {
  auto lease = server_.lease(kTea);
  memcached_.ask("delete " + kTea.text);
  const auto other = server_.lease(kTea);
  lease->drop();
  EXPECT_THAT(get(kTea), HasSubstr("lease"));
}

// A server that was stopped returns expired entries for a moment, because its clock did not run.
TEST_F(ServerTest, gives_no_entry_after_its_expiry) {
  const auto made = options();
  auto lease = server_.lease(kTea);
  ASSERT_TRUE(lease->store({"old", now() - made.entry_ttl - made.lease_ttl - 4s}));
  ASSERT_THAT(get(kTea), HasSubstr("old"));
  const auto found = server_.find(kTea, kCoffee, Probe::yes).first;
  EXPECT_EQ(found.state, LookupState::unavailable) << "the old entry prevents a fill";
  EXPECT_EQ(found.bytes, "");
}

TEST_F(ServerTest, stores_nothing_that_changes_by_itself_soon) {
  auto lease = server_.lease(kTea);
  const auto start = now();
  EXPECT_FALSE(lease->store({"good today", start, start + kReaderClockDifferenceMax}));
  EXPECT_TRUE(lease->store({"good today", start, start + kReaderClockDifferenceMax + 1h}))
      << "the lease was still valid";
  EXPECT_FALSE(server_.put(kTea, {"good today", start, start + kReaderClockDifferenceMax}));
}

TEST_F(ServerTest, gives_no_entry_after_its_content_has_changed_by_itself) {
  const auto start = now();
  ASSERT_TRUE(
      server_.lease(kTea)->store({"good today", start - 2h, start + kReaderClockDifferenceMax}));
  ASSERT_THAT(get(kTea), HasSubstr("good today"));
  EXPECT_EQ(server_.find(kTea, kCoffee, Probe::yes).first.state, LookupState::unavailable)
      << "a reader's clock can be late by kReaderClockDifferenceMax";
}

// Each process counts ids from 1, so a new placeholder can have the id of an old one.
TEST_F(ServerTest, ends_a_lease_at_a_restart) {
  auto lease = server_.lease(kTea);
  ASSERT_TRUE(lease);
  const auto placeholder = get_with_id(kTea);
  memcached_.restart();
  add(kTea, "lease");
  ASSERT_EQ(get_with_id(kTea), placeholder) << "the same id, or this test shows nothing";
  EXPECT_FALSE(lease->store({"old", now()}));
  EXPECT_EQ(get_with_id(kTea), placeholder) << "that of another filler is unchanged";
}

TEST_F(ServerTest, removes_no_placeholder_of_another_filler_after_a_restart) {
  auto lease = server_.lease(kTea);
  const auto placeholder = get_with_id(kTea);
  memcached_.restart();
  add(kTea, "lease");
  lease->drop();
  EXPECT_EQ(get_with_id(kTea), placeholder);
}

TEST_F(ServerTest, ends_a_lease_with_its_connection) {
  test::TcpGate gate{memcached_.address()};
  Server server = server_at(gate.address(), options());
  auto lease = server.lease(kTea);
  ASSERT_TRUE(lease);
  gate.cut_now();
  EXPECT_FALSE(lease->store({"old", now()}));
  EXPECT_THAT(get(kTea), HasSubstr("lease")) << "the placeholder stays until it expires";
  memcached_.ask("delete " + kTea.text);
  ASSERT_EQ(server.find(kTea, kCoffee, Probe::yes).first.state, LookupState::miss);
  auto next = server.lease(kTea);
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->store({"new", now()})) << "on a new connection";
}

TEST_F(ServerTest, stores_nothing_once_the_placeholder_was_evicted) {
  test::Memcached small{{"-m", "2"}};
  Server server{0, *parse_address(small.address()), options(), observer_};
  auto lease = server.lease(kTea);
  ASSERT_TRUE(lease);
  std::string flood;
  for (int i = 0; i < 60'000; ++i)
    flood += "set other" + std::to_string(100'000 + i) + " 0 0 5 noreply\r\nvalue\r\n";
  small.ask(flood);
  ASSERT_EQ(small.ask("get " + kTea.text), "END") << "evicted, or this test shows nothing";
  EXPECT_FALSE(lease->store({"old", now()}));
  EXPECT_EQ(small.ask("get " + kTea.text), "END");
}

// The server gets a writer's deletion first and the filler's entry after it, after both have
// stopped waiting.
TEST_F(ServerTest, stores_nothing_with_a_late_command) {
  Server server = server_at(memcached_.address(), short_timeout());
  auto lease = server.lease(kTea);
  ASSERT_TRUE(lease);
  const auto handled = statistic("cas_misses") + statistic("cas_badval") + statistic("cas_hits");
  memcached_.freeze();
  TextConnection writer{*parse_address(memcached_.address()), 20s};
  writer.begin("delete " + kTea.text + "\r\n", 1);
  writer.advance();
  EXPECT_FALSE(lease->store({"old", now()}));
  memcached_.thaw();
  EXPECT_TRUE(test::eventually([&] {
    return statistic("cas_misses") + statistic("cas_badval") + statistic("cas_hits") +
               statistic("cmd_set") >
           handled + 1;
  })) << "the late command was executed";
  EXPECT_EQ(get(kTea), "END");
}

TEST_F(ServerTest, gives_no_lease_for_an_add_that_timed_out_and_is_executed_later) {
  auto short_lease = short_timeout();
  short_lease.lease_ttl = 4s;  // long enough to be seen on a loaded machine
  Server server = server_at(memcached_.address(), short_lease);
  ASSERT_EQ(server.find(kTea, kCoffee, Probe::yes).first.state, LookupState::miss);
  ASSERT_TRUE(server.lease(Key{"coda1:warm"}));  // the connection it will use
  memcached_.freeze();
  EXPECT_FALSE(server.lease(kTea));
  memcached_.thaw();
  ASSERT_TRUE(test::eventually([&] { return get(kTea).find("lease") != std::string::npos; }))
      << "executed late, or this test shows nothing";
  EXPECT_EQ(server_.find(kTea, kCoffee, Probe::yes).first.state, LookupState::miss)
      << "a placeholder without a lease";
  EXPECT_TRUE(test::eventually([&] { return server_.lease(kTea).has_value(); }))
      << "and it delays others no longer than lease_ttl";
}

TEST_F(ServerTest, does_not_use_a_connection_again_after_a_timeout) {
  test::TcpGate gate{memcached_.address()};
  Server server = server_at(gate.address(), short_timeout());
  ASSERT_EQ(server.find(kTea, kCoffee, Probe::yes).first.state, LookupState::miss);
  memcached_.ask(test::store_sealed(kTea.text, "green"));
  gate.set(test::TcpGate::Mode::stall);
  EXPECT_EQ(server.find(kTea, kCoffee, Probe::yes).first.state, LookupState::unavailable);
  gate.set(test::TcpGate::Mode::pass);
  const auto before = gate.connections();
  const Key other{"coda1:other"};
  EXPECT_TRUE(test::eventually(
      [&] { return server.find(other, kCoffee, Probe::yes).first.state == LookupState::miss; }));
  EXPECT_EQ(server.find(kTea, kCoffee, Probe::yes).first.bytes, "green");
  EXPECT_GT(gate.connections(), before);
}

TEST_F(ServerTest, is_not_used_while_its_circuit_is_open) {
  test::TcpGate gate{memcached_.address()};
  auto long_pause = options();
  long_pause.rest_after_failure = 60s;
  Server server = server_at(gate.address(), long_pause);
  gate.set(test::TcpGate::Mode::cut);
  EXPECT_EQ(server.find(kTea, kCoffee, Probe::yes).first.state, LookupState::unavailable);
  gate.set(test::TcpGate::Mode::pass);
  const auto before = gate.connections();
  EXPECT_EQ(server.find(kTea, kCoffee, Probe::yes).first.state, LookupState::unavailable);
  EXPECT_EQ(server.find(kTea, kCoffee, Probe::no).first.state, LookupState::unavailable);
  EXPECT_FALSE(server.lease(kTea));
  EXPECT_FALSE(server.put(kTea, {"green", now()}));
  EXPECT_EQ(gate.connections(), before);
}

TEST_F(ServerTest, is_used_again_by_a_probe_and_then_by_all_calls) {
  memcached_.stop();
  EXPECT_EQ(server_.find(kTea, kCoffee, Probe::yes).first.state, LookupState::unavailable);
  memcached_.start();
  EXPECT_EQ(server_.find(kTea, kCoffee, Probe::no).first.state, LookupState::unavailable)
      << "no probe";
  EXPECT_EQ(server_.find(kTea, kCoffee, Probe::yes).first.state, LookupState::miss);
  EXPECT_EQ(server_.find(kTea, kCoffee, Probe::no).first.state, LookupState::miss);
}

TEST_F(ServerTest, does_not_send_a_value_that_memcached_would_reject) {
  const std::string large(kValueBytesMax - EntrySeal::kBytes, 'x');
  const std::string too_large = large + "x";
  auto lease = server_.lease(kTea);
  EXPECT_FALSE(lease->store({too_large, now()}));
  lease->drop();
  EXPECT_TRUE(server_.lease(kTea)->store({large, now()}));
  EXPECT_FALSE(server_.put(kTea, {too_large, now()}));
}

}  // namespace
}  // namespace codasync::cache
