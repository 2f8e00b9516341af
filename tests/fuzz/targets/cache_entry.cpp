// Entries in Memcached, where anyone with access can store one: responses, rows, lists and their
// seals; and its replies. The check sum of rows is made here, as the fuzzer does not find it.

#include "api/cache_entry.hpp"

#include <zlib.h>

#include "cache/codec.hpp"
#include "cache/entry_seal.hpp"
#include "cache/generation_token.hpp"
#include "cache/list_entry.hpp"
#include "cache/text_connection.hpp"
#include "tests/fuzz/targets/check.hpp"

namespace {

using namespace codasync;
using fuzz::check;

void check_response(std::string_view bytes) {
  const auto response = api::from_cache_entry(bytes);
  if (!response) return;
  check(response->status == 200, "only successes are cached");
  for (const auto& header : response->headers)
    check((header.name + header.value).find_first_of("\r\n") == std::string::npos,
          "a header cannot begin another one");
  check(api::to_cache_entry(*response) == bytes, "a response has one entry");
}

void check_row(std::string_view bytes) {
  if (const auto product = cache::decode_product(bytes))
    check(cache::encode(*product) == bytes, "a product has one entry");
  if (const auto shop = cache::decode_shop(bytes))
    check(cache::encode(*shop) == bytes, "a shop has one entry");
  if (const auto reading = cache::decode_reading(bytes))
    check(cache::encode(*reading) == bytes, "a reading has one entry");
  cache::is_no_reading(bytes, ShopId{1}, Gtin::from_number(4006381333931));
}

void check_list(std::string_view bytes) {
  const auto entry = cache::parse_list_entry(bytes);
  if (!entry) return;
  check(cache::is_generation_token(entry->token), "a list has a token");
  const auto made = cache::make_list_entry(entry->token, entry->address, entry->content);
  check(!made || *made == bytes, "a list has one entry");
}

void check_seal(std::string_view bytes) {
  static const cache::EntrySeal seal{cache::MemcachedOptions{}};
  static const cache::Key key{"coda1:/api/v1/shops/1"};
  constexpr std::uint32_t kFlags = 1'900'000'000;
  check(seal.open(key, kFlags, bytes).empty(), "bytes without the key have no valid seal");
  if (bytes.empty()) return;
  auto entry = seal.close(key, kFlags, bytes);
  check(seal.open(key, kFlags, entry) == bytes, "an entry is opened as it was closed");
  check(seal.open(key, kFlags + 1, entry).empty(), "not with another expiry");
  entry[static_cast<unsigned char>(bytes.front()) % entry.size()] ^= '\x01';
  check(seal.open(key, kFlags, entry).empty(), "and not after a change");
}

void check_reply(std::string_view bytes) {
  try {
    const auto length = cache::take_acknowledgement(0, bytes);
    check(length <= bytes.size(), "a reply is in what was read");
  } catch (const cache::TextFailure&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text_of(data, size);
  check_response(bytes);
  check_row(bytes);
  check_list(bytes);
  check_seal(bytes);
  check_reply(bytes);
  if (size < 2) return 0;
  const auto body = bytes.substr(1);
  const auto sum = ::crc32(0, data + 1, static_cast<uInt>(body.size()));
  std::string row{"PSRN"[data[0] % 4], '\x01'};
  for (int shift = 24; shift >= 0; shift -= 8) row.push_back(static_cast<char>(sum >> shift));
  row += body;
  check_row(row);
  return 0;
}
