#include "storage/ledger/retry_rules.hpp"

#include <gtest/gtest.h>

namespace codasync::storage {
namespace {

constexpr std::size_t kAttemptsMax = 4;
constexpr BatchShape kOne{1, 1, 1};
constexpr BatchShape kOneReading{5, 1, 3};
constexpr BatchShape kMany{9, 3, 3};
constexpr BatchShape kManyOneServer{9, 3, 1};

struct Rule {
  Attempt attempt;
  std::size_t number;
  BatchShape batch;
  NextStep next;
};

// The table of storage/README.md, "Retries".
constexpr Rule kRules[] = {
    {Attempt::done, 1, kMany, NextStep::deliver},
    {Attempt::committed, 1, kMany, NextStep::deliver},
    {Attempt::committed, kAttemptsMax, kMany, NextStep::deliver},
    {Attempt::conflict, 1, kMany, NextStep::again},
    {Attempt::conflict, kAttemptsMax - 1, kOne, NextStep::again},
    {Attempt::conflict, kAttemptsMax, kMany, NextStep::fail},
    {Attempt::rolled_back, 1, kOne, NextStep::again},
    {Attempt::rolled_back, kAttemptsMax, kOne, NextStep::fail},
    {Attempt::connection_lost, 1, kMany, NextStep::again},
    {Attempt::connection_lost, 2, kMany, NextStep::fail},
    {Attempt::lock_timeout, 1, kMany, NextStep::by_reading},
    {Attempt::lock_timeout, 1, kOneReading, NextStep::fail},
    {Attempt::statement_cancelled, 1, kMany, NextStep::by_reading},
    {Attempt::statement_cancelled, 1, kOneReading, NextStep::fail},
    {Attempt::cache_lost, 1, kMany, NextStep::by_reading},
    {Attempt::cache_lost, 1, kManyOneServer, NextStep::fail},
    {Attempt::cache_lost, 1, kOneReading, NextStep::fail},
    {Attempt::in_doubt, 1, kMany, NextStep::fail_in_doubt},
    {Attempt::refused, 1, kMany, NextStep::halves},
    {Attempt::refused, 1, kOneReading, NextStep::halves},
    {Attempt::refused, 1, kOne, NextStep::fail_as_bug},
};

TEST(RetryRules, give_the_next_step_for_each_result) {
  for (const auto& rule : kRules) {
    EXPECT_EQ(next_step(rule.attempt, rule.number, kAttemptsMax, rule.batch), rule.next)
        << "rule " << &rule - kRules;
  }
}

TEST(RetryRules, end_for_every_result) {
  for (int attempt = 0; attempt <= static_cast<int>(Attempt::refused); ++attempt) {
    for (const auto& batch : {kOne, kOneReading, kMany, kManyOneServer}) {
      EXPECT_NE(next_step(static_cast<Attempt>(attempt), kAttemptsMax, kAttemptsMax, batch),
                NextStep::again);
    }
    // A batch of one operation cannot be divided further.
    const auto alone = next_step(static_cast<Attempt>(attempt), 1, kAttemptsMax, kOne);
    EXPECT_NE(alone, NextStep::halves);
    EXPECT_NE(alone, NextStep::by_reading);
  }
}

}  // namespace
}  // namespace codasync::storage
