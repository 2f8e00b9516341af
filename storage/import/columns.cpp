#include "storage/import/columns.hpp"

#include <algorithm>

#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Names = std::span<const std::string_view>;

// Header names seen in exports of shops, wholesalers, Open Food Facts and USDA FoodData Central.
constexpr std::string_view kGtin[] = {"gtin",     "gtin_14", "gtin14",   "gtin_13",  "gtin13",
                                      "gtin_12",  "gtin12",  "gtin_8",   "gtin8",    "gtin_upc",
                                      "ean",      "ean_13",  "ean13",    "ean_8",    "ean8",
                                      "ean_code", "upc",     "upc_a",    "upc_12",   "upc12",
                                      "upc_code", "barcode", "bar_code", "raw_gtin", "code"};
constexpr std::string_view kName[] = {"product_name",
                                      "name",
                                      "raw_name",
                                      "product_title",
                                      "title",
                                      "product",
                                      "item_name",
                                      "article_name",
                                      "item",
                                      "description",
                                      "product_description",
                                      "item_description",
                                      "short_description",
                                      "product_name_en",
                                      "product_name_*",
                                      "generic_name"};
constexpr std::string_view kBrand[] = {"brand",      "brands",      "raw_brand",
                                       "brand_name", "brand_owner", "manufacturer"};
constexpr std::string_view kCategory[] = {"category",         "categories",
                                          "product_category", "branded_food_category",
                                          "main_category",    "main_category_*"};
constexpr std::string_view kShop[] = {"shop", "shop_id", "store", "store_id"};
constexpr std::string_view kExpiryDate[] = {"expiry_date", "expiration_date", "expiry"};
constexpr std::string_view kDateKind[] = {"date_kind"};
constexpr std::string_view kQuantity[] = {"quantity", "qty", "units"};
constexpr std::string_view kKind[] = {"kind"};
constexpr std::string_view kObservedAt[] = {"observed_at"};

constexpr std::size_t kColumnsShown = 20;
constexpr std::size_t kColumnCharactersShown = 40;

/// Returns: the header in lower case, with `_` for each run of other characters than letters and
/// digits.
std::string plain(std::string_view header) {
  std::string name;
  for (const char c : header) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool ordinary = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                          static_cast<unsigned char>(c) >= 0x80;
    if (ordinary) {
      name.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
    } else if (!name.empty() && name.back() != '_') {
      name.push_back('_');
    }
  }
  if (name.ends_with('_')) name.pop_back();
  return name;
}

bool matches(std::string_view header, std::string_view name) {
  return name.ends_with('*') ? header.starts_with(name.substr(0, name.size() - 1)) : header == name;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Returns: the file's columns for a message; the header can contain any bytes.
std::string list_of(std::span<const std::string_view> header) {
  std::string list;
  for (const auto column : header.first(std::min(header.size(), kColumnsShown))) {
    if (!list.empty()) list += ", ";
    const auto name = collapse_white_space(column);
    list += refuse_name(name, kColumnCharactersShown) ? "(unreadable)" : name;
  }
  if (header.size() > kColumnsShown) {
    list += " and " + std::to_string(header.size() - kColumnsShown) + " more";
  }
  return list;
}

FileRefusal lacks(std::string_view what, Names names, std::span<const std::string_view> header) {
  return {"The file has no column for the " + std::string{what} + ", such as \"" +
          std::string{names.front()} + "\". Its columns are: " + list_of(header) + "."};
}

}  // namespace

Column::Column(std::span<const std::string_view> header, Names names, Choice choice) {
  std::vector<std::string> plain_header;
  for (const auto column : header) plain_header.push_back(plain(column));
  for (const auto name : names) {
    for (std::size_t i = 0; i < plain_header.size(); ++i) {
      const bool new_here = std::ranges::find(positions_, i) == positions_.end();
      if (new_here && matches(plain_header[i], name)) positions_.push_back(i);
    }
  }
  if (choice == Choice::preferred_only && positions_.size() > 1) positions_.resize(1);
}

std::string_view Column::of(std::span<const std::string_view> fields) const {
  for (const auto position : positions_) {
    if (position >= fields.size()) continue;
    const auto field = trim(fields[position]);
    if (!field.empty()) return field;
  }
  return {};
}

Outcome<ProductColumns, FileRefusal> ProductColumns::recognise(
    std::span<const std::string_view> header) {
  ProductColumns columns{.gtin{header, kGtin, Choice::preferred_only},
                         .name{header, kName},
                         .brand{header, kBrand},
                         .category{header, kCategory}};
  if (!columns.gtin) return lacks("GTIN", kGtin, header);
  if (!columns.name) return lacks("product's name", kName, header);
  return columns;
}

Outcome<ReadingColumns, FileRefusal> ReadingColumns::recognise(
    std::span<const std::string_view> header) {
  ReadingColumns columns{.shop{header, kShop, Choice::preferred_only},
                         .gtin{header, kGtin, Choice::preferred_only},
                         .expiry_date{header, kExpiryDate},
                         .date_kind{header, kDateKind},
                         .quantity{header, kQuantity},
                         .kind{header, kKind},
                         .observed_at{header, kObservedAt},
                         .name{header, kName}};
  if (!columns.shop) return lacks("shop", kShop, header);
  if (!columns.gtin) return lacks("GTIN", kGtin, header);
  return columns;
}

}  // namespace codasync::storage
