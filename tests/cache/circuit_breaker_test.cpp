#include "cache/circuit_breaker.hpp"

#include <gtest/gtest.h>

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;

const CircuitBreaker::Clock::time_point kStart{1h};

TEST(CircuitBreaker, allows_all_attempts_while_it_is_closed) {
  CircuitBreaker circuit{500ms};
  EXPECT_TRUE(circuit.closed());
  EXPECT_TRUE(circuit.allows_attempt(kStart));
  EXPECT_TRUE(circuit.allows_attempt(kStart));
}

TEST(CircuitBreaker, allows_no_attempt_after_a_failure) {
  CircuitBreaker circuit{500ms};
  circuit.record_failure(kStart);
  EXPECT_FALSE(circuit.closed());
  EXPECT_FALSE(circuit.allows_attempt(kStart + 499ms));
}

TEST(CircuitBreaker, allows_one_attempt_at_a_time_afterwards) {
  CircuitBreaker circuit{500ms};
  circuit.record_failure(kStart);
  EXPECT_TRUE(circuit.allows_attempt(kStart + 500ms));
  EXPECT_FALSE(circuit.allows_attempt(kStart + 500ms));
  EXPECT_FALSE(circuit.allows_attempt(kStart + 999ms));
  EXPECT_TRUE(circuit.allows_attempt(kStart + 1000ms))
      << "an attempt without a result blocks others no longer";
}

TEST(CircuitBreaker, closes_after_a_success) {
  CircuitBreaker circuit{500ms};
  circuit.record_failure(kStart);
  circuit.record_success();
  EXPECT_TRUE(circuit.closed());
  EXPECT_TRUE(circuit.allows_attempt(kStart));
}

}  // namespace
}  // namespace codasync::cache
