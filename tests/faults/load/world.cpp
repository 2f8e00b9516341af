#include "tests/faults/load/world.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace codasync::faults {
namespace {

constexpr const char* kBase = "/api/v1";
constexpr std::size_t kPage = 1000;  // of every list: whole ones, so that who is missing is missed
constexpr std::size_t kPageProductsMax = 100;  // of one request

/// Returns: GTIN-13 number n of the range for demonstrations.
std::string gtin(std::size_t n) {
  std::string digits = std::to_string(952'000'000'000 + n);
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) sum += (digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
  return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
}

}  // namespace

const char* name_of(Kind kind) {
  static constexpr const char* kNames[]{"a reading in a shop",
                                        "a reading by id",
                                        "a product's stock",
                                        "a product",
                                        "a shop",
                                        "a shop's list",
                                        "a shop's list by date",
                                        "a page of a shop",
                                        "the list of products",
                                        "the list of shops",
                                        "a history"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::int64_t number_after(std::string_view text, std::string_view start) {
  const auto at = text.find(start);
  if (at == std::string_view::npos) return -1;
  text.remove_prefix(at + start.size());
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view text_after(std::string_view text, std::string_view start) {
  const auto at = text.find(start);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + start.size());
  return text.substr(0, text.find('"'));
}

std::int64_t number_of_name(std::string_view object) {
  const auto name = text_after(object, "\"name\":\"");
  return number_after(name.substr(std::min(name.rfind(" n"), name.size())), " n");
}

Row read_row(std::string_view object) {
  Row row{number_after(object, "\"id\":"),
          number_after(object, "\"shop\":"),
          text_after(object, "\"GTIN\":\""),
          number_after(object, "\"version\":"),
          number_of_name(object),
          0,
          object.find("\"removed\":true") != std::string_view::npos};
  const auto from = object.find("\"expiry_date\":");
  const auto to = object.find("\"updated_at\":\"");
  if (from != std::string_view::npos && to != std::string_view::npos) {
    const auto end = object.find('"', to + 14);
    row.shows = hash_of(object.substr(from, end + 1 - from));
  }
  return row;
}

Product::Facts read_facts(std::string_view object) {
  const auto number = [&](const char* start) {
    return std::max<std::int64_t>(number_after(object, start), 0);
  };
  return {number_of_name(object), number("\"brand\":\"Brand n"), number("\"category\":\"Tea n"),
          true};
}

std::int64_t product_version(std::string_view etag) { return number_after(etag, "-"); }

std::vector<std::string_view> objects_of(std::string_view body) {
  // Neither nested objects nor braces in texts: all names are made by this program.
  std::vector<std::string_view> objects;
  for (std::size_t at = 0; (at = body.find('{', at)) != std::string_view::npos;) {
    const auto end = body.find('}', at);
    if (end == std::string_view::npos) break;
    objects.push_back(body.substr(at, end + 1 - at));
    at = end;
  }
  return objects;
}

World::World(std::size_t shop_count, std::size_t product_count, std::size_t loose_products)
    : on_shelves{product_count} {
  for (std::size_t s = 0; s < shop_count; ++s)
    shops.push_back({.names = Register{"shop " + std::to_string(s)}});
  for (std::size_t p = 0; p < product_count + loose_products; ++p) {
    products.push_back({.gtin = gtin(p),
                        .versions = Register{"product " + gtin(p)},
                        .names = Register{"name of product " + gtin(p)},
                        .on_shelves = p < product_count});
    by_gtin_[products.back().gtin] = p;
  }
  for (std::size_t s = 0; s < shop_count; ++s) {
    for (std::size_t p = 0; p < product_count; ++p) {
      const auto number = readings.size();
      readings.push_back(
          {.shop = s,
           .product = p,
           .versions = Register{"reading of " + gtin(p) + " in shop " + std::to_string(s)},
           .comes_and_goes = number % 12 == 11,
           .reported = number % 2 == 0 || number % 24 == 11,
           .scarce = number % 6 == 4,
           .recent = {}});
    }
  }
}

const Reading* World::reading_of(std::int64_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &readings[found->second];
}

std::optional<std::size_t> World::product_of(std::string_view gtin) const {
  const auto found = by_gtin_.find(std::string{gtin});
  return found == by_gtin_.end() ? std::nullopt : std::optional{found->second};
}

void World::add(Kind kind, std::size_t index, std::string uri, std::vector<Register*> registers) {
  resources.push_back({kind, index, kBase + uri, std::move(registers), {}, {}});
  for (const auto* shown : resources.back().registers) showing_[shown].push_back(&resources.back());
}

void World::make_resources() {
  const std::string page = "limit=" + std::to_string(kPage);
  for (std::size_t i = 0; i < readings.size(); ++i) {
    auto& reading = readings[i];
    auto& product = products[reading.product];
    const auto id = std::to_string(reading.id);
    const std::vector<Register*> shown{&reading.versions, &product.names, &product.versions};
    add(Kind::reading_in_shop, i,
        "/shops/" + std::to_string(shops[reading.shop].id) + "/stock/" + product.gtin, shown);
    add(Kind::reading_by_id, i, "/stock-readings/" + id, shown);
    // With late events the newest version may be anywhere in a history.
    if (!reading.comes_and_goes && !reading.reported)
      add(Kind::history, i, "/stock-readings/" + id + "/history?limit=10", {&reading.versions});
  }
  std::vector<Register*> all_products;
  std::vector<Register*> all_names;
  for (std::size_t p = 0; p < products.size(); ++p) {
    auto& product = products[p];
    all_products.push_back(&product.versions);
    all_names.push_back(&product.names);
    add(Kind::product, p, "/products/" + product.gtin, {&product.versions, &product.names});
    if (!product.on_shelves) continue;
    std::vector<Register*> shown;
    for (std::size_t s = 0; s < shops.size(); ++s) shown.push_back(&reading(s, p).versions);
    shown.push_back(&product.names);
    add(Kind::product_stock, p, "/products/" + product.gtin + "/stock", shown);
  }
  std::vector<Register*> all_shops;
  for (std::size_t s = 0; s < shops.size(); ++s) {
    shop_by_id_[shops[s].id] = s;
    all_shops.push_back(&shops[s].names);
    const auto id = std::to_string(shops[s].id);
    add(Kind::shop, s, "/shops/" + id, {&shops[s].names});
    std::vector<Register*> shown;
    for (std::size_t p = 0; p < on_shelves; ++p) shown.push_back(&reading(s, p).versions);
    for (std::size_t p = 0; p < on_shelves; ++p) shown.push_back(&products[p].names);
    add(Kind::shop_list, s, "/stock-readings?shop=" + id + "&" + page, shown);
    add(Kind::shop_list_by_expiry, s,
        "/stock-readings?shop=" + id + "&ordering=expiry_date&" + page, shown);
    add_page(s);
  }
  all_products.insert(all_products.end(), all_names.begin(), all_names.end());
  add(Kind::products, 0, "/products?" + page, all_products);
  add(Kind::shops, 0, "/shops?" + page, all_shops);
}

/// The first products of a shop by their GTINs, as many as one request may have.
void World::add_page(std::size_t shop) {
  const auto count = std::min(on_shelves, kPageProductsMax);
  std::string uri = "/shops/" + std::to_string(shops[shop].id) + "/stock?GTIN=";
  std::vector<Register*> shown;
  for (std::size_t p = 0; p < count; ++p) {
    uri += (p == 0 ? "" : ",") + products[p].gtin;
    shown.push_back(&reading(shop, p).versions);
  }
  for (std::size_t p = 0; p < count; ++p) shown.push_back(&products[p].names);
  add(Kind::shop_page, shop, uri, shown);
}

void World::changed(const Register& written) {
  const auto found = showing_.find(&written);
  if (found == showing_.end()) return;
  for (auto* resource : found->second) resource->changed = true;
}

void World::check(const Product& product, std::int64_t version, const Product::Facts& facts,
                  const std::string& where, Findings& findings) const {
  // The register finds versions that no write made.
  if (version < 1 || version >= std::ssize(product.facts)) return;
  const auto& written = product.facts[static_cast<std::size_t>(version)];
  const bool name_alone = facts.brand == kUnknown;
  if (name_alone ? facts.name == written.name : facts == written) return;
  findings.add(Fault::body,
               where + " showed " + product.versions.name() + ", version " +
                   std::to_string(version) + " with texts " + std::to_string(facts.name) + ", " +
                   std::to_string(facts.brand) + ", " + std::to_string(facts.category) +
                   " instead of " + std::to_string(written.name) + ", " +
                   std::to_string(written.brand) + ", " + std::to_string(written.category));
}

Shown World::read(const Resource& resource, const Answer& answer, Findings& findings) const {
  Shown shown{std::vector<std::int64_t>(resource.registers.size(), kUnknown),
              std::vector<std::uint64_t>(resource.registers.size(), 0)};
  if (answer.status == 404) {
    shown.versions[0] = kAbsent;
    return shown;
  }
  switch (resource.kind) {
    case Kind::reading_in_shop:
    case Kind::reading_by_id:
    case Kind::product_stock:
    case Kind::shop_list:
    case Kind::shop_list_by_expiry:
    case Kind::shop_page:
      read_readings(resource, answer, shown, findings);
      break;
    case Kind::product:
    case Kind::products:
      read_products(resource, answer.body, shown, findings);
      break;
    case Kind::shop:
      shown.versions[0] = number_of_name(answer.body);
      shown.hashes[0] = hash_of(answer.body);
      break;
    case Kind::shops:
      std::fill(shown.versions.begin(), shown.versions.end(), kAbsent);
      for (const auto object : objects_of(answer.body)) {
        const auto found = shop_by_id_.find(number_after(object, "\"id\":"));
        if (found == shop_by_id_.end()) {
          findings.add(Fault::unexpected, resource.uri + " shows " + std::string{object});
          continue;
        }
        shown.versions[found->second] = number_of_name(object);
        shown.hashes[found->second] = hash_of(object);
      }
      break;
    case Kind::history:
      for (const auto object : objects_of(answer.body)) {
        shown.versions[0] = std::max(shown.versions[0], number_after(object, "\"version\":"));
      }
      break;
  }
  return shown;
}

void World::read_products(const Resource& resource, std::string_view body, Shown& shown,
                          Findings& findings) const {
  // One product and its name, or all products and then their names.
  const std::size_t rows = resource.registers.size() / 2;
  std::fill_n(shown.versions.begin(), rows, kAbsent);
  for (const auto object : objects_of(body)) {
    const auto found = product_of(text_after(object, "\"GTIN\":\""));
    const auto index = rows == 1 ? 0 : found.value_or(0);
    if (!found || &products[*found].versions != resource.registers[index]) {
      findings.add(Fault::unexpected, resource.uri + " shows " + std::string{object});
      continue;
    }
    const auto version = number_after(object, "\"version\":");
    const auto facts = read_facts(object);
    check(products[*found], version, facts, resource.uri, findings);
    shown.versions[index] = version;
    shown.hashes[index] = hash_of(object);
    shown.versions[rows + index] = facts.name;
  }
}

void World::read_readings(const Resource& resource, const Answer& answer, Shown& shown,
                          Findings& findings) const {
  // One reading: itself, its product's name, and the product's version in the tag. A shop's list or
  // page: one reading for each product, then their names. A product's stock: one reading for each
  // shop, then its name.
  const bool one = resource.kind == Kind::reading_in_shop || resource.kind == Kind::reading_by_id;
  const bool of_product = resource.kind == Kind::product_stock;
  const std::size_t rows = one ? 1 : of_product ? shops.size() : resource.registers.size() / 2;
  std::fill_n(shown.versions.begin(), rows, kAbsent);
  for (const auto object : objects_of(answer.body)) {
    const Row row = read_row(object);
    const auto* reading = reading_of(row.id);
    if (reading == nullptr || shops[reading->shop].id != row.shop ||
        products[reading->product].gtin != row.gtin) {
      findings.add(Fault::unexpected, resource.uri + " shows " + std::string{object});
      continue;
    }
    const std::size_t index = one ? 0 : of_product ? reading->shop : reading->product;
    if (&reading->versions != resource.registers[index] || shown.versions[index] != kAbsent) {
      findings.add(Fault::unexpected,
                   resource.uri + " shows twice or at a wrong place " + std::string{object});
      continue;
    }
    shown.versions[index] = row.version;
    shown.hashes[index] = row.shows;
    auto& name = shown.versions[one || of_product ? rows : rows + index];
    if (of_product && name != kUnknown && name != row.name)
      findings.add(Fault::body, resource.uri + " shows one product under two names");
    name = row.name;
    if (!one) continue;
    const auto version = product_version(answer.etag);
    check(products[reading->product], version, {row.name, kUnknown, kUnknown, true}, resource.uri,
          findings);
    shown.versions[2] = version;
  }
}

}  // namespace codasync::faults
