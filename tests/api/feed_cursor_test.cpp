#include "api/feed_cursor.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

using Phase = storage::FeedCursor::Phase;

storage::FeedCursor a_cursor(Phase phase) {
  return {0xfedcba9876543210, ShopId{7}, phase, 0xffffffffffffffff, ReadingId{1'000'000'007}};
}

TEST(FeedCursor, is_the_same_after_writing_and_reading) {
  for (const auto phase : {Phase::snapshot, Phase::changes}) {
    const auto cursor = a_cursor(phase);
    const auto read = parse_feed_cursor(to_text(cursor));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->epoch, cursor.epoch);
    EXPECT_EQ(read->shop, cursor.shop);
    EXPECT_EQ(read->phase, cursor.phase);
    EXPECT_EQ(read->transaction, cursor.transaction);
    EXPECT_EQ(read->reading, cursor.reading);
  }
}

TEST(FeedCursor, is_refused_after_any_change_of_a_character) {
  const auto text = to_text(a_cursor(Phase::changes));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(parse_feed_cursor(changed)) << i;
  }
  EXPECT_FALSE(parse_feed_cursor(""));
  EXPECT_FALSE(parse_feed_cursor(text.substr(1)));
  EXPECT_FALSE(parse_feed_cursor(text + "A"));
}

TEST(FeedCursor, writes_an_epoch_as_sixteen_digits) {
  EXPECT_EQ(epoch_text(0x0123456789abcdef), "0123456789abcdef");
  EXPECT_EQ(epoch_text(0), "0000000000000000");
}

}  // namespace
}  // namespace codasync::api
