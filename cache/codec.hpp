#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/model/catalogue.hpp"
#include "storage/model/reading.hpp"

namespace codasync::cache {

// The format of rows in the cache (RFC 5234). HTTP responses and generation tokens are stored
// without a format of their own.
//
//   row      = kind version checksum body
//   kind     = %x50 / %x53 / %x52 / %x4e  ; P: product, S: shop, R: reading, N: no reading
//   version  = %x01 / %x02              ; of the body's layout: 2 of a reading
//   checksum = 4OCTET                   ; CRC-32 (IEEE) of the body, most significant octet first
//   body     = endian product / endian shop / endian reading / endian place
//                                       ; a portable binary archive of cereal
//   product  = int64 text optional optional int64 int64   ; GTIN, name, brand, category, version,
//                                                         ; microseconds since 1970
//   shop     = int64 text text int64 int64                ; id, name, time zone, version,
//                                                         ; microseconds since 1970
//   reading  = place int64 date number int64 int64 int64 number number octet
//              number                   ; place, id, date, quantity, version, observed, updated,
//                                       ; checked, counted, whether it has expired, when it will
//   place    = int64 int64              ; shop, GTIN
//   date     = %x00 / (octet int32)     ; 1: of no kind, 2…4: its kind; days since 1970
//   number   = %x00 / (%x01 int64)
//   optional = %x00 / (%x01 text)
//   text     = uint16 *OCTET            ; length in octets
//   endian   = %x01                     ; the numbers are little endian

std::string encode(const Product& product);
std::string encode(const Shop& shop);
std::string encode(const ReadingRow& reading);
std::string encode_no_reading(ShopId shop, Gtin gtin);

/// Returns: the row, or nothing when the bytes are not exactly what encode() makes of one: another
/// kind or version, cut, longer, or damaged. Never throws because of the bytes.
std::optional<Product> decode_product(std::string_view bytes);
std::optional<Shop> decode_shop(std::string_view bytes);
std::optional<ReadingRow> decode_reading(std::string_view bytes);
/// Returns: whether the bytes say that the shop has no reading of this product.
bool is_no_reading(std::string_view bytes, ShopId shop, Gtin gtin);

}  // namespace codasync::cache
