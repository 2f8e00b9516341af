#include "api/observability/feed_lag.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FeedLagTest : public testing::Test {
 protected:
  /// A note at a second after the start.
  void note(int at, storage::TransactionNumber horizon, storage::TransactionNumber newest) {
    lag.note({horizon, newest}, start + seconds{at});
  }
  milliseconds behind(int at) { return lag.behind(start + seconds{at}); }

  const FeedLag::Clock::time_point start{};
  FeedLag lag;
};

TEST_F(FeedLagTest, is_zero_before_the_first_note_and_while_no_transaction_runs) {
  EXPECT_EQ(behind(5), milliseconds{0});
  note(0, 100, 100);
  EXPECT_EQ(behind(9), milliseconds{0});
}

TEST_F(FeedLagTest, is_the_age_of_the_newest_note_whose_transactions_have_ended) {
  note(0, 100, 100);
  note(1, 100, 101);  // transaction 100 runs
  note(2, 100, 150);
  EXPECT_EQ(behind(3), seconds{3});
  note(3, 120, 160);  // 100 has ended, 120 runs
  EXPECT_EQ(behind(4), seconds{3}) << "what committed until the note at 1 can be read";
  note(5, 160, 170);
  EXPECT_EQ(behind(5), seconds{2});
  note(6, 170, 170);
  EXPECT_EQ(behind(7), milliseconds{0});
}

TEST_F(FeedLagTest, counts_from_the_last_time_without_a_newer_transaction) {
  note(0, 100, 100);
  note(1, 100, 110);
  note(5, 100, 110);  // no transaction got a number since
  note(6, 110, 120);
  EXPECT_EQ(behind(7), seconds{2});
}

TEST_F(FeedLagTest, ignores_an_older_horizon_of_another_thread) {
  note(0, 100, 100);
  note(1, 100, 120);
  note(2, 120, 130);
  note(2, 100, 110);
  EXPECT_EQ(behind(3), seconds{2});
}

TEST_F(FeedLagTest, starts_again_when_a_restored_database_counts_from_a_lower_number) {
  note(0, 1000, 1000);
  note(60, 100, 120);
  EXPECT_EQ(behind(61), seconds{1});
  note(62, 120, 120);
  EXPECT_EQ(behind(63), milliseconds{0});
}

}  // namespace
}  // namespace codasync::api
