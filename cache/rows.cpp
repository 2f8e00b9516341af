#include "cache/rows.hpp"

#include <charconv>
#include <string_view>
#include <utility>

#include "cache/codec.hpp"

namespace codasync::cache {
namespace {

using storage::Lock;
using storage::ReadingKey;
using storage::RowKeys;
using storage::Rows;

// What each row contains, as locks.

PageRow page_row(ShopId shop) {
  return {shop_row(shop), {storage::shared(storage::shop_lock(shop))}};
}

PageRow page_row(Gtin gtin) {
  return {product_row(gtin), {storage::shared(storage::product_lock(gtin))}};
}

/// Whether it has expired depends on the shop's time zone.
PageRow page_row(const ReadingKey& key) {
  return {reading_row(key.shop, key.gtin),
          {storage::shared(storage::shop_lock(key.shop)),
           storage::exclusive(storage::reading_lock(key.shop, key.gtin))}};
}

template <class Map, class RowKey>
std::optional<std::string> encode_one(const Map& rows, const RowKey& key) {
  const auto found = rows.find(key);
  return found == rows.end() ? std::nullopt : std::optional{encode(found->second)};
}

std::string encode_reading(const Rows& rows, const ReadingKey& key) {
  return encode_one(rows.readings, key).value_or(encode_no_reading(key.shop, key.gtin));
}

/// The rows of a page: shops, products and readings, in this order.
class RowSource final : public PageSource {
 public:
  explicit RowSource(const RowKeys& keys) : keys_{keys} {}

  [[nodiscard]] std::vector<PageRow> rows() const {
    std::vector<PageRow> rows;
    for (const auto shop : keys_.shops) rows.push_back(page_row(shop));
    for (const auto gtin : keys_.products) rows.push_back(page_row(gtin));
    for (const auto& reading : keys_.readings) rows.push_back(page_row(reading));
    return rows;
  }

  [[nodiscard]] Rows take() && { return std::move(read_); }

  bool decode(std::size_t row, std::string_view entry) override {
    if (const auto* shop = shop_at(row)) {
      auto decoded = decode_shop(entry);
      if (!decoded || decoded->id != *shop) return false;
      read_.shops.emplace(*shop, std::move(*decoded));
      return true;
    }
    if (const auto* gtin = product_at(row)) {
      auto decoded = decode_product(entry);
      if (!decoded || decoded->gtin != *gtin) return false;
      read_.products.emplace(*gtin, std::move(*decoded));
      return true;
    }
    const auto& key = reading_at(row);
    if (is_no_reading(entry, key.shop, key.gtin)) return true;
    const auto decoded = decode_reading(entry);
    if (!decoded || decoded->shop != key.shop || decoded->gtin != key.gtin) return false;
    read_.readings.emplace(key, *decoded);
    return true;
  }

  void produce(storage::Reader& reader, std::span<const std::size_t> rows) override {
    RowKeys missing;
    for (const auto row : rows) {
      if (const auto* shop = shop_at(row)) {
        missing.shops.push_back(*shop);
      } else if (const auto* gtin = product_at(row)) {
        missing.products.push_back(*gtin);
      } else {
        missing.readings.push_back(reading_at(row));
      }
    }
    read_.merge(reader.rows(missing));
  }

  [[nodiscard]] std::optional<std::string> encode(std::size_t row) const override {
    if (const auto* shop = shop_at(row)) return encode_one(read_.shops, *shop);
    if (const auto* gtin = product_at(row)) return encode_one(read_.products, *gtin);
    const auto& key = reading_at(row);
    const bool bounded = read_.shops.contains(key.shop) && read_.products.contains(key.gtin);
    if (!bounded && !read_.readings.contains(key)) return std::nullopt;
    return encode_reading(read_, key);
  }

  [[nodiscard]] std::optional<Instant> changes_at(std::size_t row) const override {
    if (shop_at(row) != nullptr || product_at(row) != nullptr) return std::nullopt;
    const auto found = read_.readings.find(reading_at(row));
    return found == read_.readings.end() ? std::nullopt : found->second.expires_at;
  }

 private:
  /// Null pointers for rows of other tables.
  [[nodiscard]] const ShopId* shop_at(std::size_t row) const {
    return row < keys_.shops.size() ? &keys_.shops[row] : nullptr;
  }
  [[nodiscard]] const Gtin* product_at(std::size_t row) const {
    const auto first = keys_.shops.size();
    const bool is_product = row >= first && row - first < keys_.products.size();
    return is_product ? &keys_.products[row - first] : nullptr;
  }
  [[nodiscard]] const ReadingKey& reading_at(std::size_t row) const {
    return keys_.readings[row - keys_.shops.size() - keys_.products.size()];
  }

  const RowKeys& keys_;
  Rows read_;
};

template <class Number>
std::optional<Number> take_number(std::string_view& text) {
  Number number{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

Rows read_rows(Cache& cache, const RowKeys& keys) {
  RowSource source{keys};
  const auto rows = source.rows();
  cache.read_page(rows, source);
  return std::move(source).take();
}

std::optional<ExpectedRow> row_of(const Key& key) {
  std::string_view text{key.text};
  std::optional<ExpectedRow> expected;
  const auto expect = [&](RowKeys keys) {
    const auto made = RowSource{keys}.rows().front();
    if (made.key == key) expected = ExpectedRow{made.locks, std::move(keys)};
  };
  if (take(text, "row1:product:")) {
    if (const auto gtin = Gtin::parse(text)) expect({.products = {*gtin}});
  } else if (take(text, "row1:shop:")) {
    if (const auto shop = take_number<std::int64_t>(text)) expect({.shops = {ShopId{*shop}}});
  } else if (take(text, "row1:reading:")) {
    const auto shop = take_number<std::int64_t>(text);
    if (!shop || !take(text, ":")) return std::nullopt;
    if (const auto gtin = Gtin::parse(text)) expect({.readings = {{ShopId{*shop}, *gtin}}});
  }
  return expected;
}

std::optional<std::string> entry_of(const RowKeys& keys, const Rows& rows) {
  if (!keys.shops.empty()) return encode_one(rows.shops, keys.shops.front());
  if (!keys.products.empty()) return encode_one(rows.products, keys.products.front());
  return encode_reading(rows, keys.readings.front());
}

}  // namespace codasync::cache
