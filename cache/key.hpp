#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"

namespace codasync::cache {

/// The key of an entry. Only the functions below make keys, from typed ids, so that no text from a
/// client can become one.
struct Key {
  std::string text;
  friend bool operator==(const Key&, const Key&) = default;
};

// Complete HTTP responses: kResponsePrefix and the canonical URI, so that Nginx can make the same
// keys (nginx/README.md).
inline constexpr const char* kResponsePrefix = "coda1:";
Key product_response(Gtin gtin);
Key product_stock_response(Gtin gtin);
Key shop_response(ShopId shop);
Key reading_response(ReadingId reading);
Key shop_stock_response(ShopId shop, Gtin gtin);

// Rows: kRowPrefix and the kind and key of the row, in the format of codec.hpp.
inline constexpr const char* kRowPrefix = "row1:";
Key product_row(Gtin gtin);
Key shop_row(ShopId shop);
Key reading_row(ShopId shop, Gtin gtin);

// Generations of lists: random tokens that identify the current state of a set of rows.
inline constexpr const char* kGenerationPrefix = "gen1:";
Key shop_generation(ShopId shop);  // readings of one shop
Key catalogue_generation();        // products
Key shops_generation();            // shops

/// What identifies the process behind a slot (slot_identity.hpp). Each server has its own.
Key slot_identity();

/// The places for lists in each slot: no more of them are stored, whatever clients ask for
/// (cache/README.md, "Lists").
inline constexpr std::uint32_t kListPlaces = 8192;

/// The place of a list, in the slot of its generation; `address`: see list_entry.hpp. Other lists
/// may have the same place: the entry contains its address.
Key list_place(std::string_view address);

/// Returns: the slot of a key but that of a list, ((crc32(key) >> 16) & 0x7fff) mod slots, which is
/// what Nginx' `hash $key` computes. Requires: slots > 0.
std::size_t slot_of(const Key& key, std::size_t slots);

}  // namespace codasync::cache
