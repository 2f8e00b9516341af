#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/model/catalogue.hpp"

namespace codasync::cache {

// The format of rows in the cache (RFC 5234). HTTP responses and generation tokens are stored
// without a format of their own.
//
//   row      = kind version checksum body
//   kind     = %x50 / %x53              ; P: product, S: shop
//   version  = %x01                     ; of the body's layout
//   checksum = 4OCTET                   ; CRC-32 (IEEE) of the body, most significant octet first
//   body     = endian product / endian shop   ; a portable binary archive of cereal
//   product  = int64 text optional optional int64 int64   ; GTIN, name, brand, category, version,
//                                                         ; microseconds since 1970
//   shop     = int64 text text int64 int64                ; id, name, time zone, version,
//                                                         ; microseconds since 1970
//   optional = %x00 / (%x01 text)
//   text     = uint16 *OCTET            ; length in octets
//   endian   = %x01                     ; the numbers are little endian

std::string encode(const Product& product);
std::string encode(const Shop& shop);

/// Returns: the row, or nothing when the bytes are not exactly what encode() makes of one: another
/// kind or version, cut, longer, or damaged. Never throws because of the bytes.
std::optional<Product> decode_product(std::string_view bytes);
std::optional<Shop> decode_shop(std::string_view bytes);

}  // namespace codasync::cache
