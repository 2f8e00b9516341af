#include "cache/key.hpp"

#include <zlib.h>

#include <cassert>

namespace codasync::cache {
namespace {

std::string response(const char* path) { return std::string{kResponsePrefix} + "/api/v1/" + path; }

std::string row(const char* kind) { return std::string{kRowPrefix} + kind; }

Key generation(const std::string& of) { return {kGenerationPrefix + of}; }

std::string number(std::int64_t value) { return std::to_string(value); }

std::uint32_t crc_of(std::string_view text) {
  const auto* bytes = reinterpret_cast<const Bytef*>(text.data());
  return static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(text.size())));
}

}  // namespace

Key product_response(Gtin gtin) { return {response("products/") + gtin.canonical()}; }

Key product_stock_response(Gtin gtin) {
  return {response("products/") + gtin.canonical() + "/stock"};
}

Key shop_response(ShopId shop) { return {response("shops/") + number(shop.value())}; }

Key reading_response(ReadingId reading) {
  return {response("stock-readings/") + number(reading.value())};
}

Key shop_stock_response(ShopId shop, Gtin gtin) {
  return {response("shops/") + number(shop.value()) + "/stock/" + gtin.canonical()};
}

Key product_row(Gtin gtin) { return {row("product:") + gtin.canonical()}; }
Key shop_row(ShopId shop) { return {row("shop:") + number(shop.value())}; }
Key reading_row(ShopId shop, Gtin gtin) {
  return {row("reading:") + number(shop.value()) + ":" + gtin.canonical()};
}

Key shop_generation(ShopId shop) { return generation("shop:" + number(shop.value())); }
Key catalogue_generation() { return generation("catalogue"); }
Key shops_generation() { return generation("shops"); }

Key slot_identity() { return {"slot1"}; }

Key list_place(std::string_view address) {
  return {"list2:" + std::to_string(crc_of(address) % kListPlaces)};
}

std::size_t slot_of(const Key& key, std::size_t slots) {
  assert(slots > 0);
  return ((crc_of(key.text) >> 16) & 0x7fff) % slots;
}

}  // namespace codasync::cache
