#include "api/observability/repeat_limit.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

using namespace std::chrono_literals;

class RepeatLimitTest : public testing::Test {
 protected:
  /// Returns: how many of `lines` lines with this text may be written.
  std::size_t allowed(std::string_view text, std::size_t lines) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < lines; ++i) count += limit.allow(text, now) ? 1U : 0U;
    return count;
  }

  RepeatLimit limit;
  RepeatLimit::Clock::time_point now{1h};
};

TEST_F(RepeatLimitTest, allows_ten_lines_of_a_text_and_counts_the_others) {
  EXPECT_EQ(allowed("a", 25), RepeatLimit::kLinesMax);
  now += RepeatLimit::kWindow;
  const auto suppressed = limit.end_windows(now);
  ASSERT_EQ(suppressed.size(), 1U);
  EXPECT_EQ(suppressed[0].text, "a");
  EXPECT_EQ(suppressed[0].lines, 15U);
  EXPECT_TRUE(limit.end_windows(now + 1h).empty()) << "each window is reported once";
}

TEST_F(RepeatLimitTest, counts_each_text_by_itself) {
  EXPECT_EQ(allowed("a", 11), 10U);
  EXPECT_EQ(allowed("b", 3), 3U);
  now += RepeatLimit::kWindow;
  EXPECT_EQ(limit.end_windows(now).size(), 1U) << "no line of b was left out";
}

TEST_F(RepeatLimitTest, allows_a_text_again_after_its_window) {
  EXPECT_EQ(allowed("a", 20), 10U);
  now += RepeatLimit::kWindow - 1ms;
  EXPECT_TRUE(limit.end_windows(now).empty());
  EXPECT_EQ(allowed("a", 1), 0U);
  now += 1ms;
  EXPECT_EQ(limit.end_windows(now).size(), 1U);
  EXPECT_EQ(allowed("a", 20), 10U);
}

TEST_F(RepeatLimitTest, stores_a_bounded_number_of_texts) {
  for (std::size_t i = 0; i < RepeatLimit::kTextsMax; ++i)
    EXPECT_EQ(allowed(std::to_string(i), 1), 1U);
  EXPECT_EQ(allowed("one more", 20), 20U) << "it is not limited";
}

}  // namespace
}  // namespace codasync::api
