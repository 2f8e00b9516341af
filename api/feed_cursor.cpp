#include "api/feed_cursor.hpp"

#include <array>

#include "storage/model/encoding.hpp"
#include "storage/sha256.hpp"

namespace codasync::api {
namespace {

// One byte of format and phase, four numbers of eight bytes, the check sum.
constexpr char kSnapshot = 1;
constexpr char kChanges = 2;
constexpr std::size_t kNumberBytes = 8;
constexpr std::size_t kNumbers = 4;
constexpr std::size_t kCheckBytes = 4;
constexpr std::size_t kBytes = 1 + kNumbers * kNumberBytes + kCheckBytes;

std::string bytes_of(std::uint64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
  return bytes;
}

std::uint64_t number_of(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

std::string check_of(std::string_view bytes) {
  const auto digest = storage::sha256(bytes);
  return {digest.begin(), digest.begin() + kCheckBytes};
}

}  // namespace

std::string to_text(const storage::FeedCursor& cursor) {
  using Phase = storage::FeedCursor::Phase;
  std::string bytes(1, cursor.phase == Phase::snapshot ? kSnapshot : kChanges);
  bytes += bytes_of(cursor.epoch);
  bytes += bytes_of(static_cast<std::uint64_t>(cursor.shop.value()));
  bytes += bytes_of(cursor.transaction);
  bytes += bytes_of(static_cast<std::uint64_t>(cursor.reading.value()));
  return to_base64url(bytes + check_of(bytes));
}

std::optional<storage::FeedCursor> parse_feed_cursor(std::string_view text) {
  using Phase = storage::FeedCursor::Phase;
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->size() != kBytes) return std::nullopt;
  const auto content = std::string_view{*bytes}.substr(0, kBytes - kCheckBytes);
  if (bytes->substr(kBytes - kCheckBytes) != check_of(content)) return std::nullopt;
  if (content[0] != kSnapshot && content[0] != kChanges) return std::nullopt;
  const auto number = [&](std::size_t place) {
    return number_of(content.substr(1 + place * kNumberBytes, kNumberBytes));
  };
  return storage::FeedCursor{.epoch = number(0),
                             .shop = ShopId{static_cast<std::int64_t>(number(1))},
                             .phase = content[0] == kSnapshot ? Phase::snapshot : Phase::changes,
                             .transaction = number(2),
                             .reading = ReadingId{static_cast<std::int64_t>(number(3))}};
}

std::string epoch_text(std::uint64_t epoch) {
  std::array<std::uint8_t, kNumberBytes> bytes{};
  const auto text = bytes_of(epoch);
  std::copy(text.begin(), text.end(), bytes.begin());
  return to_hex(bytes);
}

}  // namespace codasync::api
