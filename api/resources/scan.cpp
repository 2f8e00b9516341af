#include <memory>

#include "api/resources/handlers.hpp"
#include "api/resources/scan_json.hpp"
#include "api/resources/scanned_codes.hpp"
#include "api/responses.hpp"

// The handler of /scan: what scanners send about one item becomes one write, if it says enough.

namespace codasync::api::scan {
namespace {

using storage::Refused;
using storage::Written;

/// The codes of a request, and its other fields.
struct Scan {
  ShopId shop;
  std::optional<std::string> name{};
  std::optional<EventKind> kind{};
  std::optional<std::int64_t> quantity{};
  std::vector<barcode::ParsedCode> parsed{};
  barcode::ScannedItem item{};

  /// Returns: the kind of the event. A quantity without a date is a count, as in POST
  /// /stock-readings.
  [[nodiscard]] EventKind event_kind() const {
    if (kind) return *kind;
    return quantity && !item.date ? EventKind::count : EventKind::sighting;
  }

  /// Returns: what the codes do not say and a recording needs. The name of a product is only needed
  /// when the product is unknown.
  [[nodiscard]] std::vector<std::string_view> missing() const {
    std::vector<std::string_view> names;
    if (!item.gtin) names.emplace_back("GTIN");
    if (!item.date && event_kind() != EventKind::count) names.emplace_back("expiry_date");
    return names;
  }
};

WriteResponse recorded(const Scan& scan, const Written& written) {
  auto response = readings::written(written);
  const auto& reading = written.reading;
  // Codes without a date show none.
  const auto is_scanned = [&](const std::optional<ShelfDate>& date) {
    return date && scan.item.date && date->date == scan.item.date->date;
  };
  const bool shows_date = written.present && is_scanned(reading.date);
  const bool had_it = written.before && is_scanned(written.before->date);
  response.body = to_json(Answer{.parsed = scan.parsed,
                                 .item = scan.item,
                                 .reading = written.present ? &reading : nullptr,
                                 .outcome = written.outcome,
                                 .became_shortest = shows_date && !had_it,
                                 .previous = written.before});
  return response;
}

Result unknown_shop() {
  return readings::to_result(Refused{Refused::Why::unknown_shop}, &readings::written);
}

/// The response when nothing is recorded.
Result looked_up(const Scan& scan, storage::Reader& reader) {
  storage::RowKeys keys{.shops = {scan.shop}};
  if (scan.item.gtin) {
    keys.products = {*scan.item.gtin};
    keys.readings = {{scan.shop, *scan.item.gtin}};
  }
  const auto rows = reader.rows(keys);
  if (rows.shops.empty()) return unknown_shop();
  Answer answer{.parsed = scan.parsed, .item = scan.item, .missing = scan.missing()};
  if (scan.item.gtin && rows.products.empty() && !scan.name) answer.missing.emplace_back("name");
  std::optional<Reading> reading;
  if (!rows.products.empty() && !rows.readings.empty()) {
    const auto& product = rows.products.begin()->second;
    reading = Reading{rows.readings.begin()->second, product.name, product.version};
  }
  if (reading) answer.reading = &*reading;
  return to_response(WriteResponse{.body = to_json(answer)});
}

/// The codes are enough, but the product is unknown and the request has no name for it.
std::optional<Response> without_name(const Scan& scan, const Refused& refused) {
  if (refused.why != Refused::Why::unknown_product) return std::nullopt;
  return to_response(WriteResponse{
      .body = to_json(Answer{.parsed = scan.parsed, .item = scan.item, .missing = {"name"}})});
}

}  // namespace

Outcome<Plan, Problem> plan(const Call& call) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto shop = fields.integer("shop", 1, INT64_MAX);
  const auto observed_at = fields.instant("observed_at");
  const auto codes = read_codes(fields, observed_at.value);
  const auto kind = fields.one_of("kind", {"sighting", "check", "count"});
  const auto quantity = fields.integer("quantity", 0, kQuantityMax);
  const auto name = fields.name("name");
  const auto dry_run = fields.flag("dry_run");
  fields.require("shop", shop);
  fields.require("codes", codes.texts);
  fields.not_null("kind", kind, "Omit it for a plain recording.");
  fields.not_null("quantity", quantity, "Omit it when nothing was counted.");
  fields.not_null("name", name, "Omit it for a known product.");
  fields.not_null("observed_at", observed_at, "Omit it for the current time.");
  fields.not_null("dry_run", dry_run);
  if (kind.value == "count" && !quantity.given)
    fields.refuse("quantity", "A count requires `quantity`.");
  if (auto problem = fields.finish()) return *problem;
  if (auto problem = refuse_other_shop(*call.actor, ShopId{*shop.value})) return *problem;

  const auto scan = std::make_shared<Scan>(
      Scan{.shop = ShopId{*shop.value}, .name = name.value, .quantity = quantity.value});
  if (kind.value) scan->kind = parse_event_kind(*kind.value);
  scan->parsed = codes.parsed();
  auto item = barcode::merge(scan->parsed);
  if (!item) return conflicting(item.error());
  scan->item = std::move(item).value();

  Plan plan;
  plan.look_up = [scan](storage::Reader& reader) { return looked_up(*scan, reader); };
  if (dry_run.value.value_or(false) || !scan->missing().empty()) {
    if (const auto key = read_idempotency_key(call, &fields); !key) return key.error();
    if (const auto tags = read_if_match(call.request); !tags) return tags.error();
    return plan;
  }

  auto started = readings::start(call, &fields, scan->shop, *scan->item.gtin);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.may_create = true;
  operation.kind = scan->event_kind();
  operation.quantity = scan->quantity;
  operation.product_name = scan->name;
  operation.observed_at = observed_at.value;
  if (operation.kind != EventKind::count) operation.date = scan->item.date;
  if (operation.date && !is_expiry_date(operation.date->date, date_of(now())))
    return bad_fields({{"codes", {std::string{explain_expiry_date()}}}});
  plan.operation = std::move(operation);
  plan.answer = [scan](const Written& written) { return recorded(*scan, written); };
  plan.refused = [scan](const Refused& refused) { return without_name(*scan, refused); };
  return plan;
}

}  // namespace codasync::api::scan
