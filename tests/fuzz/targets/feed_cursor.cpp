// Cursors of the change feed: those of clients, and those made of the bytes.

#include "api/feed_cursor.hpp"

#include <cstring>

#include "tests/fuzz/targets/check.hpp"

namespace {

using namespace codasync;
using fuzz::check;
using Cursor = storage::FeedCursor;

bool same(const Cursor& a, const Cursor& b) {
  return a.epoch == b.epoch && a.shop == b.shop && a.phase == b.phase &&
         a.transaction == b.transaction && a.reading == b.reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (const auto cursor = api::parse_feed_cursor(text))
    check(api::to_text(*cursor) == text, "a cursor has one text");
  std::uint64_t numbers[4]{};
  if (size < sizeof numbers + 1) return 0;
  std::memcpy(numbers, data, sizeof numbers);
  const Cursor made{
      .epoch = numbers[0],
      .shop = ShopId{static_cast<std::int64_t>(numbers[1])},
      .phase = (data[sizeof numbers] & 1U) != 0 ? Cursor::Phase::snapshot : Cursor::Phase::changes,
      .transaction = numbers[2],
      .reading = ReadingId{static_cast<std::int64_t>(numbers[3])}};
  auto sent = api::to_text(made);
  const auto back = api::parse_feed_cursor(sent);
  check(back && same(*back, made), "a cursor is read as it was written");
  auto& changed = sent[data[sizeof numbers] / 2 % sent.size()];
  changed = changed == 'A' ? 'B' : 'A';
  check(!api::parse_feed_cursor(sent), "a changed cursor is refused");
  return 0;
}
