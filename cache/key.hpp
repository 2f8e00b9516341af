#pragma once

#include <cstddef>
#include <string>

#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"

namespace codasync::cache {

/// The name of an entry. Built here only, from typed ids, so no text of a user can become one.
struct Key {
  std::string text;
  friend bool operator==(const Key&, const Key&) = default;
};

// Whole HTTP answers: kAnswerPrefix and the canonical URI, so that Nginx can name them too
// (nginx/README.md).
inline constexpr const char* kAnswerPrefix = "coda1:";
Key product_answer(Gtin gtin);
Key product_stock_answer(Gtin gtin);
Key shop_answer(ShopId shop);
Key reading_answer(ReadingId reading);
Key shop_stock_answer(ShopId shop, Gtin gtin);

// Rows, as codec.hpp writes them.
Key product_row(Gtin gtin);
Key shop_row(ShopId shop);

// Generations of lists: random tokens that name the current state of a set of rows.
Key shop_generation(ShopId shop);  // readings of one shop
Key catalogue_generation();        // products
Key shops_generation();            // shops

/// One list answer under a live generation token; `query_digest` is a hash of the canonical query.
Key list_entry(const std::string& generation_token, const std::string& query_digest);

/// Returns: the slot of a key, ((crc32(key) >> 16) & 0x7fff) mod slots, which is what Nginx' `hash
/// $key` computes. Requires: slots > 0.
std::size_t slot_of(const Key& key, std::size_t slots);

}  // namespace codasync::cache
