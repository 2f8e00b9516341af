#include "api/lru_cache.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace codasync::api {
namespace {

TEST(LruCache, evicts_the_entry_that_was_not_used_for_the_longest_time) {
  LruCache<int, std::string> cache{3};
  for (const int key : {1, 2, 3}) cache.store(key, std::to_string(key));
  EXPECT_EQ(cache.find(1), "1");
  cache.store(2, "two");
  cache.store(4, "4");
  EXPECT_EQ(cache.find(3), std::nullopt);
  EXPECT_EQ(cache.find(1), "1");
  EXPECT_EQ(cache.find(2), "two");
  EXPECT_EQ(cache.find(4), "4");
}

TEST(LruCache, evicts_one_entry_for_each_that_is_stored) {
  LruCache<int, int> cache{100};
  for (int key = 0; key < 1'000; ++key) cache.store(key, key);
  for (int key = 0; key < 900; ++key) EXPECT_EQ(cache.find(key), std::nullopt) << key;
  for (int key = 900; key < 1'000; ++key) EXPECT_EQ(cache.find(key), key);
}

TEST(LruCache, removes_one_entry_or_all) {
  LruCache<int, int> cache{3};
  cache.store(1, 1);
  cache.store(2, 2);
  cache.remove(1);
  cache.remove(7);
  EXPECT_EQ(cache.find(1), std::nullopt);
  EXPECT_EQ(cache.find(2), 2);
  cache.clear();
  EXPECT_EQ(cache.find(2), std::nullopt);
  cache.store(3, 3);
  EXPECT_EQ(cache.find(3), 3);
}

TEST(LruCache, can_be_used_by_several_threads) {
  LruCache<int, int> cache{50};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&cache] {
      for (int i = 0; i < 10'000; ++i) {
        cache.store(i % 100, i % 100);
        const auto found = cache.find((i + 30) % 100);
        EXPECT_TRUE(!found || *found == (i + 30) % 100);
        if (i % 7 == 0) cache.remove(i % 100);
      }
    });
  }
}

}  // namespace
}  // namespace codasync::api
