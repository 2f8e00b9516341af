#include <gmock/gmock.h>

#include <chrono>
#include <optional>

#include "cache/make_cache.hpp"
#include "cache/memcached_invalidation.hpp"
#include "cache/node.hpp"
#include "storage/errors.hpp"
#include "tests/support/memcached.hpp"
#include "tests/support/tcp_gate.hpp"

// A writer commits only when every entry is known to be gone: each deletion is acknowledged, or the
// round throws Unavailable.

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;
using storage::SlotState;

class LossRecorder : public Observer {
 public:
  void delete_failed(std::size_t slot, Loss loss, std::string_view) override {
    failed_slot = slot;
    failed_with = loss;
  }
  void deleted(std::size_t keys, std::chrono::nanoseconds) override { acknowledged += keys; }

  std::optional<std::size_t> failed_slot;
  std::optional<Loss> failed_with;
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

  /// Shops whose entries lie on both nodes.
  static storage::Changes of_shops(int count = 100) {
    storage::Changes changes;
    for (int i = 1; i <= count; ++i) changes.shops.push_back(ShopId{i});
    return changes;
  }
  void put_all(const storage::Changes& changes, std::size_t slots = 2) const {
    for (const Key& key : keys_of(changes))
      memcached_[slot_of(key, slots)].ask("set " + key.text + " 0 0 3\r\nold");
  }
  [[nodiscard]] long items(std::size_t node) const {
    const auto all = memcached_[node].ask("stats");
    return std::stol(all.substr(all.find("STAT curr_items ") + 16));
  }

  test::Memcached memcached_[2];
  LossRecorder observer_;
};

TEST_F(InvalidationTest, is_acknowledged_when_all_entries_are_gone_and_no_others) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  put_all(of_shops());
  for (const auto& node : memcached_) node.ask("set coda1:other 0 0 3\r\nold");
  ASSERT_GT(items(0), 50);
  ASSERT_GT(items(1), 50);
  invalidation.begin(of_shops(), {})->acknowledge();
  EXPECT_EQ(items(0), 1);
  EXPECT_EQ(items(1), 1);
  EXPECT_EQ(observer_.acknowledged, keys_of(of_shops()).size());
}

TEST_F(InvalidationTest, of_ten_thousand_entries_at_once_loses_none) {
  MemcachedInvalidation invalidation{options({memcached_[0].address()}), observer_};
  put_all(of_shops(200), 1);
  invalidation.begin(of_shops(10'000), {})->acknowledge();
  EXPECT_EQ(items(0), 0);
  EXPECT_EQ(observer_.acknowledged, 30'000U);
}

TEST_F(InvalidationTest, of_nothing_asks_nobody) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  memcached_[0].stop();
  memcached_[1].stop();
  EXPECT_NO_THROW(invalidation.begin({}, {})->acknowledge());
}

TEST_F(InvalidationTest, fails_when_a_node_is_gone_and_says_that_its_memory_is_too) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  memcached_[1].stop();
  EXPECT_THROW(invalidation.begin(of_shops(), {})->acknowledge(), Unavailable);
  EXPECT_EQ(observer_.failed_slot, 1U);
  EXPECT_EQ(observer_.failed_with, Loss::gone);
}

TEST_F(InvalidationTest, fails_when_a_node_says_nothing_because_it_may_speak_again) {
  MemcachedInvalidation invalidation{options(both(), 200ms), observer_};
  put_all(of_shops());
  memcached_[0].freeze();
  EXPECT_THROW(invalidation.begin(of_shops(), {})->acknowledge(), Unavailable);
  EXPECT_EQ(observer_.failed_slot, 0U);
  EXPECT_EQ(observer_.failed_with, Loss::silent);
  EXPECT_EQ(observer_.acknowledged, 0U);
}

TEST_F(InvalidationTest, fails_when_a_new_connection_breaks) {
  test::TcpGate gate{memcached_[0].address()};
  gate.set(test::TcpGate::Mode::cut);
  MemcachedInvalidation invalidation{options({gate.address()}), observer_};
  EXPECT_THROW(invalidation.begin(of_shops(), {})->acknowledge(), Unavailable);
  EXPECT_EQ(observer_.failed_with, Loss::silent);
  EXPECT_EQ(gate.connections(), 1U) << "it was new, so trying again would not help";
}

TEST_F(InvalidationTest, begins_again_when_the_server_hung_up_since_the_last_round) {
  test::TcpGate gate{memcached_[0].address()};
  MemcachedInvalidation invalidation{options({gate.address()}), observer_};
  invalidation.begin(of_shops(), {})->acknowledge();
  gate.cut_now();
  put_all(of_shops(), 1);
  EXPECT_NO_THROW(invalidation.begin(of_shops(), {})->acknowledge());
  EXPECT_EQ(items(0), 0);
  EXPECT_EQ(gate.connections(), 2U);
}

TEST_F(InvalidationTest, takes_no_late_answer_for_one_to_a_later_question) {
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

TEST_F(InvalidationTest, gives_up_on_a_node_that_may_still_hold_old_entries) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  EXPECT_THROW(invalidation.begin(of_shops(), {SlotState::up, SlotState::waiting}), Unavailable);
}

TEST_F(InvalidationTest, goes_on_without_a_node_that_can_hold_none) {
  MemcachedInvalidation invalidation{options(both()), observer_};
  put_all(of_shops());
  memcached_[1].freeze();
  EXPECT_NO_THROW(invalidation.begin(of_shops(), {SlotState::up, SlotState::down})->acknowledge());
  EXPECT_EQ(items(0), 0);
}

TEST_F(InvalidationTest, ends_with_words_that_are_not_memcacheds) {
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

class NodesTest : public InvalidationTest {
 protected:
  std::unique_ptr<Nodes> nodes_ = make_nodes(options(both()));
};

TEST_F(NodesTest, are_emptied_one_by_one) {
  put_all(of_shops());
  EXPECT_EQ(nodes_->empty(1), NodeReply::done);
  EXPECT_EQ(memcached_[1].ask("get " + shop_row(ShopId{1}).text), "END");
  EXPECT_GT(items(0), 50) << "the other one is left alone";
}

TEST_F(NodesTest, lose_nothing_when_they_are_asked) {
  put_all(of_shops());
  const auto before = items(0);
  EXPECT_EQ(nodes_->ask(0), NodeReply::done);
  EXPECT_EQ(items(0), before);
}

TEST_F(NodesTest, are_gone_when_nobody_listens_and_silent_when_nobody_answers) {
  memcached_[0].freeze();
  memcached_[1].stop();
  const auto impatient = make_nodes(options(both(), 500ms));
  EXPECT_EQ(impatient->ask(0), NodeReply::silent);
  EXPECT_EQ(impatient->empty(0), NodeReply::silent);
  for (const auto& reply : {nodes_->ask(1), nodes_->empty(1)}) EXPECT_EQ(reply, NodeReply::gone);
}

TEST_F(NodesTest, are_silent_when_even_their_socket_is_missing) {
  auto made = options(both());
  made.servers[0] = "unix:/nowhere/memcached";
  EXPECT_EQ(make_nodes(made)->ask(0), NodeReply::silent) << "a process may live on without it";
}

}  // namespace
}  // namespace codasync::cache
