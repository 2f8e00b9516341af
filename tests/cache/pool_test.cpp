#include "cache/pool.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;

struct FakeConnection {
  explicit FakeConnection(int n) : number{n} {}
  [[nodiscard]] bool usable() const { return fine; }
  int number;
  bool fine{true};
};

class PoolOf2 : public ::testing::Test {
 protected:
  int made_{0};
  Pool<FakeConnection> pool_{2, [this] { return std::make_unique<FakeConnection>(++made_); }};
};

TEST_F(PoolOf2, lends_the_connection_that_came_back_last) {
  { const auto first = pool_.acquire(0ms); }
  const auto again = pool_.acquire(0ms);
  EXPECT_EQ((*again)->number, 1);
  EXPECT_EQ(made_, 1);
}

TEST_F(PoolOf2, lends_no_more_than_it_may) {
  const auto first = pool_.acquire(0ms);
  {
    const auto second = pool_.acquire(0ms);
    EXPECT_FALSE(pool_.acquire(0ms));
  }
  EXPECT_TRUE(pool_.acquire(0ms));
}

TEST_F(PoolOf2, closes_a_connection_that_is_not_usable) {
  {
    const auto broken = pool_.acquire(0ms);
    (*broken)->fine = false;
  }
  EXPECT_EQ((*pool_.acquire(0ms))->number, 2);
}

TEST_F(PoolOf2, closes_idle_connections_on_request) {
  { const auto first = pool_.acquire(0ms); }
  pool_.drop_idle();
  EXPECT_EQ((*pool_.acquire(0ms))->number, 2);
}

TEST(Pool, loses_no_place_when_a_connection_cannot_be_made) {
  bool broken = true;
  Pool<FakeConnection> pool{1, [&] {
                              if (broken) throw std::runtime_error{"no"};
                              return std::make_unique<FakeConnection>(1);
                            }};
  EXPECT_THROW(pool.acquire(0ms), std::runtime_error);
  broken = false;
  EXPECT_TRUE(pool.acquire(0ms));
}

}  // namespace
}  // namespace codasync::cache
