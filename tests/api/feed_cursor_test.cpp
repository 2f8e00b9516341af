#include "api/feed_cursor.hpp"

#include <gtest/gtest.h>

#include "storage/model/encoding.hpp"
#include "storage/sha256.hpp"

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

TEST(FeedCursor, of_another_format_is_refused) {
  constexpr std::ptrdiff_t kCheckBytes = 4;
  const auto with_format = [](char format) {
    auto bytes = *from_base64url(to_text(a_cursor(Phase::changes)));
    bytes.resize(bytes.size() - kCheckBytes);
    bytes[0] = format;
    const auto digest = storage::sha256(bytes);
    bytes.append(digest.begin(), digest.begin() + kCheckBytes);
    return to_base64url(bytes);
  };
  EXPECT_TRUE(parse_feed_cursor(with_format(1)));
  EXPECT_TRUE(parse_feed_cursor(with_format(2)));
  EXPECT_FALSE(parse_feed_cursor(with_format(0)));
  EXPECT_FALSE(parse_feed_cursor(with_format(3)));
}

TEST(FeedCursor, writes_an_epoch_as_sixteen_digits) {
  EXPECT_EQ(epoch_text(0x0123456789abcdef), "0123456789abcdef");
  EXPECT_EQ(epoch_text(0), "0000000000000000");
}

}  // namespace
}  // namespace codasync::api
