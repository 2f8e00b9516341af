#include <span>

#include "tests/faults/load/load.hpp"

// What is read, and what the answers are held against.

namespace codasync::faults {
namespace {

constexpr double kRest = 0.01;           // of a connection whose read was refused
constexpr double kIfNoneMatch = 0.25;    // of the reads
constexpr double kCompressed = 0.2;      // of the reads
constexpr double kHead = 0.05;           // of the reads of what was read before
constexpr double kSpelled = 0.1;         // of the reads of one GTIN
constexpr std::size_t kGtinDigits = 13;  // as the load has them; other spellings have 14

/// What is read, of a hundred: some of everything.
constexpr std::pair<Kind, int> kEverything[]{{Kind::reading_in_shop, 30},
                                             {Kind::reading_by_id, 22},
                                             {Kind::product_stock, 12},
                                             {Kind::product, 10},
                                             {Kind::shop, 5},
                                             {Kind::shop_list, 4},
                                             {Kind::shop_list_by_expiry, 4},
                                             {Kind::shop_page, 6},
                                             {Kind::products, 2},
                                             {Kind::shops, 3},
                                             {Kind::history, 2}};

/// What a storefront reads: mostly one product in one shop.
constexpr std::pair<Kind, int> kStorefront[]{
    {Kind::reading_in_shop, 57}, {Kind::product, 18},  {Kind::product_stock, 10}, {Kind::shop, 6},
    {Kind::reading_by_id, 4},    {Kind::shop_list, 2}, {Kind::products, 1},       {Kind::shops, 2}};

/// Returns: the address with its GTIN in 14 digits, which the cache has under another name; as it
/// is where it has no GTIN or several.
std::string spelled_differently(const Resource& resource) {
  if (resource.kind != Kind::reading_in_shop && resource.kind != Kind::product &&
      resource.kind != Kind::product_stock)
    return resource.uri;
  auto uri = resource.uri;
  const auto end = resource.kind == Kind::product_stock ? uri.rfind('/') : uri.size();
  return uri.insert(end - kGtinDigits, "0");
}

}  // namespace

void Load::begin_read(Connection& connection) {
  int draw = static_cast<int>(below(100));
  Kind kind = Kind::shops;
  std::span<const std::pair<Kind, int>> mix{kEverything};
  if (options_.storefront) mix = kStorefront;
  for (const auto& [each, share] : mix) {
    kind = each;
    if ((draw -= share) < 0) break;
  }
  // Shops and products are as hot as their hottest readings.
  const auto& ranked = world_.readings[pick_reading(true)];
  const auto& of_kind = by_kind_[static_cast<std::size_t>(kind)];
  std::size_t wanted = 0;
  switch (kind) {
    case Kind::reading_in_shop:
    case Kind::reading_by_id:
      wanted = static_cast<std::size_t>(ranked.shop * world_.on_shelves + ranked.product);
      break;
    case Kind::history:
      wanted = below(of_kind.size());
      break;
    case Kind::product_stock:
      wanted = ranked.product;
      break;
    case Kind::product:
      wanted = below(20) == 0 ? below(of_kind.size()) : ranked.product;
      break;
    case Kind::shop:
    case Kind::shop_list:
    case Kind::shop_list_by_expiry:
    case Kind::shop_page:
      wanted = ranked.shop;
      break;
    case Kind::products:
    case Kind::shops:
      break;
  }
  auto& resource = world_.resources[of_kind[wanted]];
  connection.write = -1;
  connection.list.sender = nullptr;
  connection.resource = &resource;
  connection.conditional = nullptr;
  connection.floors.clear();
  for (const auto* each : resource.registers) connection.floors.push_back(each->newest());
  const bool head = resource.shown && happens(kHead);
  const auto uri = happens(kSpelled) ? spelled_differently(resource) : resource.uri;
  std::string request = (head ? "HEAD " : "GET ") + uri + " HTTP/1.1\r\nHost: localhost\r\n";
  if (happens(kCompressed)) request += "Accept-Encoding: gzip\r\n";
  if (kind == Kind::history) request += "Authorization: Bearer " + options_.staff_token + "\r\n";
  connection.head = head;
  // The response to HEAD says by its tag alone which version it is of.
  if (head) {
    connection.conditional = resource.shown;
    connection.conditional_etag = resource.etag;
  } else if (resource.shown && happens(kIfNoneMatch)) {
    connection.conditional = resource.shown;
    request += "If-None-Match: " + resource.etag + "\r\n";
  }
  ++count_reads_;
  send(connection, request + "\r\n");
}

void Load::read_answered(Connection& connection) {
  auto& resource = *connection.resource;
  const auto& answer = connection.client->answer();
  const double at = now();
  if (answer.status == 503 || answer.status == 502 || answer.status == 504) {
    ++count_failed_reads_;
    connection.rest_until = at + kRest;
    return;
  }
  if (answer.status == 304 && connection.conditional) {
    ++count_304_;
    judge(connection, *connection.conditional);
  } else if (connection.head && (answer.status == 200 || answer.status == 404)) {
    ++count_heads_;
    // Another tag is of a version whose body this load has not seen.
    if (answer.status == 200 && answer.etag == connection.conditional_etag)
      judge(connection, *connection.conditional);
  } else if (answer.status == 200 || answer.status == 404) {
    if (answer.status == 404) ++count_404_;
    auto shown = std::make_shared<const Shown>(world_.read(resource, answer, findings_));
    judge(connection, *shown);
    if (answer.status == 200 && !answer.etag.empty()) {
      resource.etag = answer.etag;
      resource.shown = std::move(shown);
    }
  } else {
    findings_.add(Fault::unexpected, "GET " + resource.uri + " was answered " +
                                         std::to_string(answer.status) + " " +
                                         std::string{answer.body.substr(0, 300)});
    return;
  }
  ++count_checked_;
  if (resource.kind != Kind::history && answer.status != 404) {
    ++count_cacheable_;
    if (!resource.changed) ++count_possible_;
    resource.changed = false;
  }
  ++by_kind_checked_[static_cast<std::size_t>(resource.kind)];
  reads_.success(at);
  if (connection.edge) edge_reads_.success(at);
}

void Load::judge(const Connection& connection, const Shown& shown) {
  const double at = now();
  const auto& resource = *connection.resource;
  for (std::size_t i = 0; i < resource.registers.size(); ++i) {
    if (shown.versions[i] == kUnknown) continue;
    ++count_rows_;
    resource.registers[i]->show(shown.versions[i], shown.hashes[i],
                                {connection.floors[i], connection.sent}, at, resource.uri.c_str(),
                                findings_);
  }
}

}  // namespace codasync::faults
