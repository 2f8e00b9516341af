// Entries in Memcached, where anyone with access can store one: responses, and rows. The check sum
// of rows is made here, as the fuzzer does not find it.

#include "api/cache_entry.hpp"

#include <zlib.h>

#include "cache/codec.hpp"
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text_of(data, size);
  check_response(bytes);
  check_row(bytes);
  if (size < 2) return 0;
  const auto body = bytes.substr(1);
  const auto sum = ::crc32(0, data + 1, static_cast<uInt>(body.size()));
  std::string row{"PSRN"[data[0] % 4], '\x01'};
  for (int shift = 24; shift >= 0; shift -= 8) row.push_back(static_cast<char>(sum >> shift));
  row += body;
  check_row(row);
  return 0;
}
