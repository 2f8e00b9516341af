#include <gmock/gmock.h>

#include <vector>

#include "tests/cache/protocol_fixture.hpp"

namespace codasync::cache {
namespace {

class LookupOnTwoServers : public Protocol {
 protected:
  static constexpr auto kTimeout = 1500ms;

  void SetUp() override {
    Protocol::SetUp();
    for (std::int64_t shop = 1; keys_.size() < 2; ++shop) {
      const Key key = shop_response(ShopId{shop});
      if (slot_of(key, 2) == keys_.size()) keys_.push_back(key);
    }
    for (const Key& key : keys_) put(key, "value of " + key.text);
    expect_hits();
  }

  std::vector<Lookup> look_up() {
    const auto start = std::chrono::steady_clock::now();
    auto found = lookup_->lookup(keys_);
    took_ = std::chrono::steady_clock::now() - start;
    return found;
  }
  void expect_hits() {
    const auto found = look_up();
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(found[i].state, LookupState::hit) << i;
      EXPECT_EQ(found[i].bytes, "value of " + keys_[i].text);
    }
  }
  [[nodiscard]] MemcachedOptions with_timeout() const {
    auto made = options();
    made.answer_timeout = kTimeout;
    return made;
  }

  std::vector<Key> keys_;  // one on each
  std::unique_ptr<Cache> lookup_ = make_cache(with_timeout(), *storage_, observer_);
  std::chrono::steady_clock::duration took_{};
};

TEST_F(LookupOnTwoServers, waits_one_timeout_for_both) {
  for (auto& memcached : memcached_) memcached.freeze();
  const auto found = look_up();
  for (const auto& each : found) EXPECT_EQ(each.state, LookupState::unavailable);
  EXPECT_GE(took_, kTimeout);
  EXPECT_LT(took_, kTimeout * 5 / 3) << "not the sum of two";
}

TEST_F(LookupOnTwoServers, finds_the_entry_of_one_while_the_other_does_not_respond) {
  for (std::size_t frozen = 0; frozen < 2; ++frozen) {
    memcached_[frozen].freeze();
    const auto found = look_up();
    EXPECT_EQ(found[frozen].state, LookupState::unavailable);
    EXPECT_EQ(found[1 - frozen].bytes, "value of " + keys_[1 - frozen].text);
    EXPECT_LT(took_, kTimeout * 5 / 3);
    memcached_[frozen].thaw();
    // Only a read closes the circuit of the server that failed.
    const TextSource shop{[](storage::Reader&) { return "shop"; }};
    EXPECT_TRUE(test::eventually(
        [&] { return fetch(*lookup_, keys_[frozen], {}, shop).path == ReadPath::hit; }));
    expect_hits();
  }
}

TEST_F(LookupOnTwoServers, reads_a_large_entry_of_one_after_the_timeout_of_the_other) {
  const std::string large(900'000, 'x');  // more than a socket buffer
  put(keys_[1], large);
  memcached_[0].freeze();
  const auto found = look_up();
  EXPECT_EQ(found[0].state, LookupState::unavailable);
  EXPECT_EQ(found[1].bytes, large);
}

}  // namespace
}  // namespace codasync::cache
