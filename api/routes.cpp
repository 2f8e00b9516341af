#include "api/routes.hpp"

#include <algorithm>
#include <array>

#include "api/resources/handlers.hpp"
#include "api/responses.hpp"
#include "api/uri.hpp"
#include "storage/model/number.hpp"

namespace codasync::api {
namespace {

using storage::Lock;

// What the cached responses show; which writes take these locks: storage/README.md.

constexpr CachedResponse kShop{
    [](const Arguments& path) { return cache::shop_response(ShopId{path.id}); },
    [](const Arguments& path) { return std::vector{shared(storage::shop_lock(ShopId{path.id}))}; }};

constexpr CachedResponse kProduct{
    [](const Arguments& path) { return cache::product_response(*path.gtin); },
    [](const Arguments& path) { return std::vector{shared(storage::product_lock(*path.gtin))}; }};

constexpr CachedResponse kProductStock{
    [](const Arguments& path) { return cache::product_stock_response(*path.gtin); },
    [](const Arguments& path) {
      return std::vector{shared(storage::time_zones_lock()),
                         exclusive(storage::product_lock(*path.gtin))};
    }};

constexpr CachedResponse kShopStock{
    [](const Arguments& path) { return cache::shop_stock_response(ShopId{path.id}, *path.gtin); },
    [](const Arguments& path) {
      return std::vector{shared(storage::product_lock(*path.gtin)),
                         shared(storage::shop_lock(ShopId{path.id})),
                         exclusive(storage::reading_lock(ShopId{path.id}, *path.gtin))};
    }};

constexpr CachedResponse kReading{
    [](const Arguments& path) { return cache::reading_response(ReadingId{path.id}); },
    [](const Arguments& path) {
      return std::vector{shared(storage::product_lock(path.reading->gtin)),
                         shared(storage::shop_lock(path.reading->shop)),
                         exclusive(storage::reading_lock(path.reading->shop, path.reading->gtin))};
    }};

constexpr auto get = Method::get;
constexpr auto post = Method::post;
constexpr auto put = Method::put;
constexpr auto patch = Method::patch;
constexpr auto del = Method::del;

constexpr Needs kOpen{Access::open};
constexpr Needs kReader{Access::reader};
constexpr Needs kReaderOfReading{Access::reader, Scope::none, Resolve::reading};
constexpr Needs kToken{Access::staff};
constexpr Needs kStaffOfShop{Access::staff, Scope::path};
constexpr Needs kStaffOfReading{Access::staff, Scope::reading, Resolve::reading};
constexpr Needs kStaffOfBody{Access::staff, Scope::operations};
constexpr Needs kStaffOfQuery{Access::staff, Scope::filter};
constexpr Needs kAdmin{Access::admin};
constexpr Needs kAdminToken{.access = Access::admin, .credential = Credential::token};
constexpr Needs kSession{.access = Access::staff, .credential = Credential::session};

// Query parameters. The handler reads each of them.
constexpr std::string_view kPage[] = {"limit", "cursor"};
constexpr std::string_view kCountedPage[] = {"limit", "cursor", "count"};
constexpr std::string_view kOverview[] = {"shop", "days", "due_days", "stale_days"};
constexpr std::string_view kStats[] = {"minutes"};
constexpr std::string_view kFeed[] = {"shop", "since", "limit"};
constexpr std::string_view kStream[] = {"GTIN", "since"};
constexpr std::string_view kExport[] = {"format"};
constexpr std::string_view kShopExport[] = {"format", "shop"};
constexpr std::string_view kProductImport[] = {
    "dry_run", "map", "ignore", "encoding", "restore_zeros", "max_refused", "clear_empty"};
constexpr std::string_view kReadingImport[] = {
    "dry_run",     "map",  "ignore",      "encoding", "restore_zeros",
    "max_refused", "shop", "date_format", "decimal",  "lots"};
constexpr std::string_view kAudit[] = {"actor", "subject", "subject_id", "from",
                                       "until", "limit",   "cursor"};
constexpr std::string_view kCascade[] = {"cascade"};
constexpr std::string_view kGtins[] = {"GTIN"};
constexpr std::string_view kWorkList[] = {"days", "stale_days", "category", "limit", "cursor"};
constexpr std::string_view kProductList[] = {"GTIN",     "search", "category", "brand",
                                             "ordering", "limit",  "cursor",   "count"};
constexpr std::string_view kProductStockList[] = {"in_stock", "limit", "cursor", "count"};
constexpr std::string_view kReadingList[] = {
    "shop",    "GTIN",     "category",  "expires_before",    "expires_after",
    "expired", "in_stock", "available", "not_checked_since", "ordering",
    "limit",   "cursor",   "count"};

// clang-format off
const std::array kRoutes{
    Route{get,   "/api/v1/shops",                               kReader,          Read{&shops::list, CachedList{&shops::list_entry}}, kCountedPage},
    Route{post,  "/api/v1/shops",                               kAdmin,           Blocking{&shops::create}},
    Route{get,   "/api/v1/shops/{id}",                          kReader,          ReadOne{kShop, &shops::keys, &shops::one}},
    Route{put,   "/api/v1/shops/{id}",                          kAdmin,           Blocking{&shops::replace}},
    Route{patch, "/api/v1/shops/{id}",                          kAdmin,           Blocking{&shops::change}},
    Route{del,   "/api/v1/shops/{id}",                          kAdmin,           Blocking{&shops::remove}, kCascade},
    Route{get,   "/api/v1/shops/{id}/stock",                    kReader,          ReadRows{&readings::page_keys, &readings::page, &readings::page_entry}, kGtins},
    Route{get,   "/api/v1/shops/{id}/stock/{gtin}",             kReader,          ReadOne{kShopStock, &readings::keys, &readings::one_in_shop}},
    Route{patch, "/api/v1/shops/{id}/stock/{gtin}",             kStaffOfShop,     StockWrite{&readings::change, &readings::written}},
    Route{post,  "/api/v1/shops/{id}/stock/{gtin}/adjust",      kStaffOfShop,     StockWrite{&readings::adjust, &readings::written}},
    Route{get,   "/api/v1/shops/{id}/stream",                   kReader,          EventStream{&stream::open}, kStream},
    Route{get,   "/api/v1/shops/{id}/work-list",                kReader,          Read{&work_list::list}, kWorkList},
    Route{get,   "/api/v1/shops/{id}/thresholds",               kStaffOfShop,     Read{&work_list::thresholds}},
    Route{put,   "/api/v1/shops/{id}/thresholds",               kAdmin,           Blocking{&work_list::put_thresholds}},

    Route{get,   "/api/v1/overview",                            kReader,          Read{&overview::read, CachedList{&overview::entry}}, kOverview},

    Route{get,   "/api/v1/products",                            kReader,          Read{&products::list, CachedList{&products::list_entry, &products::list_rows}}, kProductList},
    Route{post,  "/api/v1/products",                            kAdmin,           Blocking{&products::create}},
    Route{get,   "/api/v1/products/{gtin}",                     kReader,          ReadOne{kProduct, &products::keys, &products::one}},
    Route{put,   "/api/v1/products/{gtin}",                     kAdmin,           Blocking{&products::replace}},
    Route{patch, "/api/v1/products/{gtin}",                     kAdmin,           Blocking{&products::change}},
    Route{del,   "/api/v1/products/{gtin}",                     kAdmin,           Blocking{&products::remove}},
    Route{get,   "/api/v1/products/{gtin}/stock",               kReader,          Read{&readings::in_all_shops, kProductStock}, kProductStockList},

    Route{get,   "/api/v1/categories",                          kReader,          Read{&products::categories, CachedList{&products::categories_entry}}, kCountedPage},
    Route{get,   "/api/v1/brands",                              kReader,          Read{&products::brands, CachedList{&products::brands_entry}}, kCountedPage},

    Route{get,   "/api/v1/stock-readings",                      kReader,          Read{&readings::list, CachedList{&readings::list_entry, &readings::list_rows}}, kReadingList},
    Route{post,  "/api/v1/stock-readings",                      kStaffOfBody,     StockWrite{&readings::record, &readings::written}},
    Route{post,  "/api/v1/stock-readings/batch",                kStaffOfBody,     StockWrites{&lists::read_batch, &lists::answer_batch}},
    Route{get,   "/api/v1/stock-readings/{id}",                 kReaderOfReading, ReadOne{kReading, &readings::keys, &readings::one}},
    Route{put,   "/api/v1/stock-readings/{id}",                 kStaffOfReading,  StockWrite{&readings::replace, &readings::written}},
    Route{patch, "/api/v1/stock-readings/{id}",                 kStaffOfReading,  StockWrite{&readings::change, &readings::written}},
    Route{del,   "/api/v1/stock-readings/{id}",                 kStaffOfReading,  StockWrite{&readings::remove, &readings::no_content}},
    Route{post,  "/api/v1/stock-readings/{id}/adjust",          kStaffOfReading,  StockWrite{&readings::adjust, &readings::written}},
    Route{get,   "/api/v1/stock-readings/{id}/history",         kStaffOfReading,  Blocking{&readings::history}, kPage},
    Route{del,   "/api/v1/stock-readings/{id}/history/{event}", kStaffOfReading,  StockWrite{&readings::void_event, &readings::no_content}},

    Route{post,  "/api/v1/scan",                                kStaffOfBody,     PlannedWrite{&scan::plan}},
    Route{post,  "/api/v1/sync",                                kStaffOfBody,     StockWrites{&lists::read_sync, &lists::answer_sync}},
    Route{get,   "/api/v1/changes",                             kReader,          Blocking{&changes::list}, kFeed},

    Route{get,   "/api/v1/tokens",                              kAdmin,           Read{&tokens::list}, kPage},
    Route{post,  "/api/v1/tokens",                              kAdminToken,      Blocking{&tokens::create}},
    Route{get,   "/api/v1/tokens/self",                         kToken,           Immediate{&tokens::self}},
    Route{get,   "/api/v1/tokens/{id}",                         kAdmin,           Read{&tokens::one}},
    Route{del,   "/api/v1/tokens/{id}",                         kAdmin,           Blocking{&tokens::revoke}},

    Route{post,  "/api/v1/session",                             kOpen,            Blocking{&session::start}},
    Route{get,   "/api/v1/session",                             kSession,         Immediate{&session::self}},
    Route{del,   "/api/v1/session",                             kOpen,            Blocking{&session::end}},

    Route{get,   "/api/v1/export/products",                     kReader,          Export{&exports::products}, kExport},
    Route{get,   "/api/v1/export/stock-readings",               kReader,          Export{&exports::stock_readings}, kShopExport},
    Route{get,   "/api/v1/export/events",                       kStaffOfQuery,    Export{&exports::events}, kShopExport},

    Route{get,   "/api/v1/stats",                               kAdmin,           Blocking{&stats::read}, kStats},

    Route{post,  "/api/v1/import/products",                     kAdmin,           Import{&imports::products}, kProductImport},
    Route{post,  "/api/v1/import/stock-readings",               kAdmin,           Import{&imports::stock_readings}, kReadingImport},
    Route{get,   "/api/v1/imports",                             kAdmin,           Read{&imports::list}, kPage},
    Route{get,   "/api/v1/imports/{import}",                    kAdmin,           Read{&imports::one}},
    Route{post,  "/api/v1/imports/{import}/undo",               kAdmin,           Import{&imports::undo, false}},

    Route{get,   "/api/v1/audit",                               kAdmin,           Read{&audit::list}, kAudit},

    Route{get,   "/healthz",                                    kOpen,            Immediate{&health::alive}},
    Route{get,   "/readyz",                                     kOpen,            Control{&health::ready, Executor::Kind::look_up}},
    Route{get,   "/openapi.json",                               kOpen,            Immediate{&description::document}},
    Route{get,   "/metrics",                                    kOpen,            Control{&health::metrics, Executor::Kind::work}},
};
// clang-format on

constexpr std::size_t kUsualSegments = 8;  // reserved at once

/// Splits at slashes. Returns: nothing when the path does not start with one.
std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> parts;
  parts.reserve(kUsualSegments);
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

/// Returns: the segments without escapes; nothing when one of them is broken.
std::vector<std::string> decoded_segments(std::string_view path) {
  std::vector<std::string> parts;
  parts.reserve(kUsualSegments);
  for (const auto segment : segments(path)) {
    auto part = decode_path(segment);
    if (!part) return {};
    parts.push_back(std::move(*part));
  }
  return parts;
}

/// A pattern with its segments split once.
struct Pattern {
  const Route* route;
  std::vector<std::string_view> parts;
};

const std::vector<Pattern>& patterns() {
  static const auto all = [] {
    std::vector<Pattern> made;
    made.reserve(std::size(kRoutes));
    for (const auto& route : kRoutes) made.push_back({&route, segments(route.pattern)});
    return made;
  }();
  return all;
}

bool is_variable(std::string_view part) { return part.starts_with('{'); }

bool same_shape(const std::vector<std::string_view>& pattern,
                const std::vector<std::string>& path) {
  return std::equal(pattern.begin(), pattern.end(), path.begin(), path.end(),
                    [](std::string_view part, std::string_view segment) {
                      return is_variable(part) || part == segment;
                    });
}

/// Returns: the pattern of an address, nothing for one that no route has. Where several fit, the
/// first in the table is it, so fixed names stand before variables.
std::string_view pattern_of(const std::vector<std::string>& path) {
  for (const auto& pattern : patterns()) {
    if (same_shape(pattern.parts, path)) return pattern.route->pattern;
  }
  return {};
}

/// A malformed id cannot name anything, so it is 404 as in the Django API; a GTIN with a typing
/// error is 400 and says what is wrong.
Outcome<Arguments, Problem> read_arguments(const std::vector<std::string_view>& pattern,
                                           const std::vector<std::string>& path) {
  Arguments arguments;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "{id}") {
      const auto id = parse_positive(path[i]);
      if (!id) return not_found("An id is a whole number from 1 to 9223372036854775807.");
      arguments.id = *id;
    } else if (pattern[i] == "{gtin}") {
      const auto gtin = Gtin::parse(path[i]);
      if (!gtin) return bad_fields({{"GTIN", {std::string{explain(gtin.error())}}}});
      arguments.gtin = *gtin;
    } else if (pattern[i] == "{event}") {
      arguments.event = Uuid::parse(path[i]);
      if (!arguments.event) return not_found("An event's id is a UUID.");
    } else if (pattern[i] == "{import}") {
      arguments.import = Uuid::parse(path[i]);
      if (!arguments.import) return not_found("An import's id is a UUID.");
    }
  }
  return arguments;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

Outcome<Match, Problem> match(Method method, std::string_view path) {
  const auto wanted = method == Method::head ? Method::get : method;
  const auto parts = decoded_segments(path);
  const auto resource = pattern_of(parts);
  for (const auto& pattern : patterns()) {
    if (pattern.route->method != wanted || pattern.route->pattern != resource) continue;
    const auto arguments = read_arguments(pattern.parts, parts);
    if (!arguments) return arguments.error();
    return Match{pattern.route, *arguments};
  }
  const auto allowed = allowed_methods(path);
  if (allowed.empty()) return nothing_here();
  return Problem{405,
                 "method-not-allowed",
                 "This address supports only " + allowed + ".",
                 {},
                 {{"Allow", allowed}}};
}

bool is_upload(const Request& head) {
  constexpr std::string_view kImports = "/api/v1/import/";
  if (head.method != Method::post) return false;
  // Most requests need no look at the table.
  const bool possible = head.path.starts_with(kImports) || head.path.find('%') != std::string::npos;
  if (!possible) return false;
  const auto matched = match(head.method, canonical_path(head.path));
  const auto* import = matched ? std::get_if<Import>(&matched->route->action) : nullptr;
  return import != nullptr && import->uploads;
}

std::optional<Problem> refuse_unknown_parameters(const Route& route, const Query& query) {
  constexpr std::size_t kErrorsMax = 20;  // limits the size of the response
  FieldErrors errors;
  for (const auto& [name, value] : query) {
    const auto& known = route.parameters;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (errors.size() == kErrorsMax) break;
    errors[shown_field(name)] = {
        known.empty() ? std::string{"Unknown parameter. This address takes no parameters."}
                      : "Unknown parameter. Known parameters: " + listed(known) + "."};
  }
  if (errors.empty()) return std::nullopt;
  return bad_query(std::move(errors));
}

std::string allowed_methods(std::string_view path) {
  const auto resource = pattern_of(decoded_segments(path));
  std::string allowed;
  for (const auto& route : routes()) {
    if (route.pattern != resource) continue;
    allowed += std::string{name_of(route.method)} + ", ";
    if (route.method == Method::get) allowed += "HEAD, ";
  }
  if (!allowed.empty()) allowed += "OPTIONS";
  return allowed;
}

Problem nothing_here() {
  return not_found("There is nothing at this address. The API's base path is /api/v1.");
}

}  // namespace codasync::api
