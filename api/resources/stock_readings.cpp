#include <algorithm>

#include "api/resources/handlers.hpp"
#include "api/resources/observation.hpp"
#include "api/responses.hpp"
#include "api/service.hpp"
#include "storage/model/number.hpp"
#include "storage/model/text.hpp"
#include "storage/reading_orders.hpp"
#include "storage/void_rule.hpp"

// The handlers of /stock-readings and of a product's stock in shops. The ledger (storage/ledger/)
// decides about writes; stock_refusals.cpp makes problems of its refusals.

namespace codasync::api::readings {
namespace {

using storage::StockOperation;
using storage::Written;

constexpr std::string_view kPath = "/api/v1/stock-readings";

// ----------------------------------------------------------------------------------------------
// lists: filters, order, cursors

// As storage::ReadingOrder. A client cannot name the last ones: they are the order without
// `ordering`.
constexpr std::string_view kOrderings[] = {"id",          "expiry_date", "-expiry_date", "name",
                                           "-updated_at", "checked",     "GTIN"};
constexpr std::span kNamed{kOrderings, 5};

std::string_view name_of(storage::ReadingOrder order) {
  return kOrderings[static_cast<std::size_t>(order)];
}

// A cursor of readings contains the ordering and the fields of storage::ReadingCursor; an absent
// key is empty.
constexpr char kSeparator = '|';

std::string write_cursor(storage::ReadingOrder order, const storage::ReadingCursor& position) {
  auto text = std::string{name_of(order)} + kSeparator + std::to_string(position.number) +
              kSeparator + std::to_string(position.shop) + kSeparator +
              (position.key ? std::to_string(*position.key) : "");
  if (order == storage::ReadingOrder::name) text += kSeparator + position.name;
  return make_cursor(text);
}

/// Returns: whether write_cursor() can write this. Clients can send any text as a cursor.
bool fits(storage::ReadingOrder order, const storage::ReadingCursor& position) {
  constexpr std::int64_t kDaysMax = 1'000'000;
  constexpr std::int64_t kMicrosMax = std::int64_t{kDaysMax} * 86'400'000'000;
  const auto key_up_to = [&](std::int64_t max) {
    return position.key && *position.key >= -max && *position.key <= max;
  };
  using enum storage::ReadingOrder;
  switch (order) {
    case id:
    case gtin:
      return !position.key;
    case expiry_date:
    case expiry_date_descending:
      return !position.key || key_up_to(kDaysMax);
    case checked_on:
      return key_up_to(kDaysMax);
    case updated_at_descending:
      return key_up_to(kMicrosMax);
    case name:
      return !position.key && !refuse_name(position.name);
  }
  __builtin_unreachable();
}

std::optional<storage::ReadingCursor> parse_cursor(storage::ReadingOrder order,
                                                   std::string_view text) {
  const auto next = [&text] {
    const auto part = text.substr(0, text.find(kSeparator));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
  };
  if (next() != name_of(order)) return std::nullopt;
  const auto number = parse_whole_number(next());
  const auto shop = parse_whole_number(next());
  const auto key = next();
  if (!number || !shop) return std::nullopt;
  storage::ReadingCursor position{.number = *number, .shop = *shop, .name = std::string{text}};
  if (!key.empty()) {
    position.key = parse_whole_number(key);
    if (!position.key) return std::nullopt;
  }
  return fits(order, position) ? std::optional{position} : std::nullopt;
}

/// Requires: the filters are set.
storage::ReadingOrder read_ordering(Parameters& parameters, const storage::ReadingFilter& filter) {
  const auto possible = storage::orders_of(filter);
  const auto wanted = parameters.one_of("ordering", kNamed);
  if (!wanted) return possible.front();
  const auto order = static_cast<storage::ReadingOrder>(*wanted);
  if (order == possible.front()) parameters.spell("ordering", "");
  if (std::ranges::find(possible, order) != possible.end()) return order;
  if (order == storage::ReadingOrder::updated_at_descending) {
    parameters.refuse("ordering", "-updated_at requires the parameter `shop` too, with one shop.");
    return order;
  }
  std::vector<std::string_view> names;
  for (const auto other : possible) {
    if (std::ranges::find(kNamed, name_of(other)) != kNamed.end()) names.push_back(name_of(other));
  }
  parameters.refuse(
      "ordering",
      "This order is not possible with these filters over all shops. Add `shop` with one shop, or "
      "omit `ordering`" +
          (names.empty() ? "." : "; possible: " + listed(names) + "."));
  return order;
}

/// Requires: filter.order is set.
void read_cursor(Parameters& parameters, storage::ReadingFilter& filter) {
  const auto cursor = parameters.cursor();
  if (!cursor) return;
  filter.after = parse_cursor(filter.order, *cursor);
  if (!filter.after) parameters.refuse_cursor();
}

std::string write_history_cursor(const Event& last) {
  return make_cursor(to_string(last.observed_at) + kSeparator + to_string(last.id));
}

std::optional<storage::HistoryCursor> parse_history_cursor(const std::string& text) {
  const auto end = std::min(text.find(kSeparator), text.size());
  const auto observed_at = parse_instant(std::string_view{text}.substr(0, end));
  const auto event = Uuid::parse(std::string_view{text}.substr(std::min(end + 1, text.size())));
  if (!observed_at || !event) return std::nullopt;
  return storage::HistoryCursor{*observed_at, *event};
}

/// Returns: whether a void by this token would be accepted now, and change something.
bool is_voidable(const HistoryEntry& entry, const storage::Token& token,
                 std::chrono::seconds staff_void_time) {
  return entry.event.kind != EventKind::void_event && !entry.voided_by &&
         !storage::why_not_voidable(token, entry.token, entry.received_at, now(), staff_void_time);
}

/// The query of a list of readings.
struct ListQuery {
  storage::ReadingFilter filter;
  std::size_t limit;
  bool counts;
};

Outcome<ListQuery, Problem> read_filter(Parameters& parameters) {
  storage::ReadingFilter filter;
  const auto limit = parameters.limit();
  const bool counts = parameters.counts();
  filter.shops = parameters.shops("shop");
  filter.gtins = parameters.gtins("GTIN");
  filter.category = parameters.text("category");
  filter.expires_before = parameters.date("expires_before");
  filter.expires_after = parameters.date("expires_after");
  filter.expired = parameters.flag("expired");
  filter.not_checked_since = parameters.instant("not_checked_since");
  filter.in_stock = parameters.flag("in_stock");
  filter.available = parameters.flag("available");
  if (filter.shops.size() * filter.gtins.size() > storage::kPairsMax)
    parameters.refuse("GTIN", "At most " + std::to_string(storage::kPairsMax) +
                                  " pairs of `shop` and `GTIN` are allowed.");
  filter.order = read_ordering(parameters, filter);
  read_cursor(parameters, filter);
  if (auto problem = parameters.finish()) return *problem;
  return ListQuery{filter, limit, counts};
}

/// A response that changes without a write at `moment` at the latest.
void changes_by(Response& response, const std::optional<Instant>& moment) {
  if (moment && (!response.changes_at || *moment < *response.changes_at))
    response.changes_at = moment;
}

Response response_of(const std::vector<Reading>& readings) {
  auto response = ok_by_body(to_json(readings));
  for (const auto& reading : readings) changes_by(response, reading.expires_at);
  return response;
}

/// The entry of a list of one shop's readings.
ListEntry entry_in_shop(ShopId shop, std::string address) {
  return {cache::shop_generation(shop),
          {{storage::shop_lock(shop), storage::LockMode::exclusive}},
          std::move(address)};
}

/// Returns: a page of readings; `path`: of the list.
Result page_of_readings(storage::Reader& reader, const ListQuery& list_query, std::string_view path,
                        const Parameters& parameters) {
  const auto& filter = list_query.filter;
  const auto page = reader.readings(filter, list_query.limit);
  auto response = response_of(page.rows);
  if (page.next)
    response.headers.push_back(parameters.next_page(path, write_cursor(filter.order, *page.next)));
  if (list_query.counts) add_total(response, reader.count_readings(filter));
  // Rows enter and leave these lists at midnight, also rows that this page does not show.
  if (filter.shops.size() == 1 && (filter.expired || filter.available))
    changes_by(response, reader.day_ends_at(filter.shops[0]));
  return response;
}

Result one_response(const std::optional<Reading>& reading) {
  if (!reading) return not_found("There is no stock reading at this address, or it was removed.");
  auto response = ok(to_json(*reading), reading_tag(*reading));
  response.changes_at = reading->expires_at;
  return response;
}

// ----------------------------------------------------------------------------------------------
// pages of rows

storage::RowKeys rows_of(std::vector<ShopId> shops, std::vector<Gtin> gtins) {
  storage::RowKeys keys;
  for (const auto shop : shops) {
    for (const auto gtin : gtins) keys.readings.push_back({shop, gtin});
  }
  keys.shops = std::move(shops);
  keys.products = std::move(gtins);
  return keys;
}

/// The rows of one reading.
storage::RowKeys rows_of(const storage::ReadingKey& key) {
  return {.products = {key.gtin}, .readings = {key}};
}

/// The rows of a list that names shops and products.
Outcome<storage::RowKeys, Problem> rows_of_list(const Call& call) {
  Parameters parameters{call.query};
  auto shops = parameters.shops("shop");
  auto gtins = parameters.gtins("GTIN");
  if (auto problem = parameters.finish()) return *problem;
  return rows_of(std::move(shops), std::move(gtins));
}

/// Returns: nothing when the shop has no reading of the product.
std::optional<Reading> with_product(const storage::Rows& rows, const storage::ReadingKey& key) {
  const auto reading = rows.readings.find(key);
  const auto product = rows.products.find(key.gtin);
  if (reading == rows.readings.end() || product == rows.products.end()) return std::nullopt;
  return Reading{reading->second, product->second.name, product->second.version};
}

std::vector<Reading> with_products(const storage::Rows& rows) {
  std::vector<Reading> readings;
  for (const auto& [key, row] : rows.readings) {
    if (auto reading = with_product(rows, key)) readings.push_back(std::move(*reading));
  }
  return readings;
}

// ----------------------------------------------------------------------------------------------
// bodies of writes

/// Returns: whether the path has a reading's id; otherwise it has its shop and product.
bool has_id(const Arguments& path) { return path.reading.has_value(); }

storage::ReadingKey key_of(const Arguments& path) {
  return has_id(path) ? *path.reading : storage::ReadingKey{ShopId{path.id}, *path.gtin};
}

/// start() for the address of a reading.
Operation start_of_path(const Call& call, const Body* body) {
  const auto key = key_of(call.path);
  auto started = start(call, body, key.shop, key.gtin);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  if (has_id(call.path)) operation.reading = ReadingId{call.path.id};
  operation.addressed = true;
  return operation;
}

Field<std::string> kind_of_record(Body& fields) {
  return fields.one_of("kind", {"sighting", "check", "count"});
}

/// Refuses null in a PATCH where it would be ignored.
void refuse_nulls(Body& fields, const Observation& seen) {
  fields.not_null("quantity", seen.quantity,
                  "To correct a wrong count, void its event or send a new count.");
  if (seen.kind.value != "check")
    fields.not_null("expiry_date", seen.expiry_date,
                    "For an empty shelf, also send \"kind\": \"check\".");
  if (!seen.expiry_date.given)
    fields.not_null("date_kind", seen.date_kind, "It belongs to `expiry_date`; send both.");
}

enum class Extent { whole, part };

/// PUT and PATCH: absent fields keep their values; the identity must be that of the path.
Operation update(const Call& call, Extent extent) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto key = key_of(call.path);
  const auto shop = fields.integer("shop", 1, INT64_MAX);
  const auto gtin = fields.gtin("GTIN");
  const auto name = fields.name("name");
  const auto seen = read_observation(fields, kind_of_record(fields));
  const auto observed_at = fields.instant("observed_at");
  const auto id = fields.own_id("id");
  if (has_id(call.path)) fields.own("id", id, call.path.id);
  fields.own("shop", shop, key.shop.value());
  fields.own("GTIN", gtin, key.gtin);
  fields.not_null("shop", shop);
  fields.not_null("GTIN", gtin);
  fields.not_null("name", name);
  fields.not_null("observed_at", observed_at, "Omit it for the current time.");
  switch (extent) {
    case Extent::whole:
      fields.require("shop", shop);
      fields.require("GTIN", gtin);
      fields.require("name", name);
      if (!seen.expiry_date.given) fields.refuse("expiry_date", "This field is required.");
      break;
    case Extent::part:
      fields.refuse_empty();
      refuse_nulls(fields, seen);
      break;
  }
  fields.read_only(
      {"version", "checked_at", "counted_at", "available", "expired", "updated_at", "outcome"});
  if (auto problem = fields.finish()) return *problem;

  auto started = start_of_path(call, &fields);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  if (id.value) operation.sent_id = ReadingId{*id.value};
  operation.kind.reset();
  if (seen.given()) apply(seen, operation);
  operation.product_name = name.value;
  operation.observed_at = observed_at.value;
  operation.echoes = true;
  return operation;
}

/// The optional fields of an adjustment and of both DELETEs.
struct ReasonAndTime {
  Field<std::string> reason;
  Field<Instant> observed_at;
};

ReasonAndTime read_reason_and_time(Body& fields) {
  ReasonAndTime read{fields.name("reason"), fields.instant("observed_at")};
  fields.not_null("observed_at", read.observed_at, "Omit it for the current time.");
  return read;
}

/// DELETE of a reading or of an event. The body is optional.
Operation removal(const Call& call, EventKind kind) {
  std::optional<Body> fields;
  ReasonAndTime sent;
  if (!call.request.body.empty()) {
    auto body = read_body(call.request);
    if (!body) return body.error();
    fields.emplace(std::move(body).value());
    sent = read_reason_and_time(*fields);
    if (auto problem = fields->finish()) return *problem;
  }
  auto started = start_of_path(call, fields ? &*fields : nullptr);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.kind = kind;
  operation.voids = call.path.event;
  operation.reason = sent.reason.value;
  operation.observed_at = sent.observed_at.value;
  return operation;
}

}  // namespace

// ----------------------------------------------------------------------------------------------
// GET

Result list(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto list_query = read_filter(parameters);
  if (!list_query) return list_query.error();
  return page_of_readings(reader, *list_query, kPath, parameters);
}

std::optional<ListEntry> list_entry(const Call& call) {
  Parameters parameters{call.query};
  const auto read = read_filter(parameters);
  if (!read) return std::nullopt;
  const auto& filter = read->filter;
  // Only lists of one shop have a generation. Lists that depend on the categories of products
  // change without a write to the shop's readings, so they are not cached.
  if (filter.shops.size() != 1 || filter.category) return std::nullopt;
  return entry_in_shop(filter.shops[0], parameters.address(kPath));
}

const ReadRows* list_rows(const Call& call) {
  static constexpr ReadRows kRows{&rows_of_list, [](const Call&, const storage::Rows& rows) {
                                    auto readings = with_products(rows);
                                    std::ranges::sort(readings, {}, &Reading::id);
                                    return Result{response_of(readings)};
                                  }};
  const auto is = [](const auto& parameter) {
    return parameter.first == "shop" || parameter.first == "GTIN";
  };
  if (call.query.size() != 2 || !std::ranges::all_of(call.query, is)) return nullptr;
  const auto keys = rows_of_list(call);
  const bool both = keys && !keys->shops.empty() && !keys->products.empty();
  return both && keys->readings.size() <= kValuesMax ? &kRows : nullptr;
}

Outcome<storage::RowKeys, Problem> page_keys(const Call& call) {
  Parameters parameters{call.query};
  auto gtins = parameters.gtins("GTIN");
  if (call.query.empty())
    parameters.refuse("GTIN", "This parameter is required: up to 100 GTINs with commas between.");
  if (auto problem = parameters.finish()) return *problem;
  return rows_of({ShopId{call.path.id}}, std::move(gtins));
}

Result page(const Call& call, const storage::Rows& rows) {
  const ShopId shop{call.path.id};
  if (!rows.shops.contains(shop)) return not_found(Subject::shop);
  std::vector<Reading> readings;
  for (const auto gtin : Parameters{call.query}.gtins("GTIN")) {
    if (auto reading = with_product(rows, {shop, gtin})) readings.push_back(std::move(*reading));
  }
  return response_of(readings);
}

std::optional<ListEntry> page_entry(const Call& call) {
  Parameters parameters{call.query};
  std::string gtins;  // in the order of the request, which is that of the response
  for (const auto gtin : parameters.gtins("GTIN"))
    gtins += (gtins.empty() ? "" : ",") + gtin.canonical();
  if (gtins.empty() || parameters.finish()) return std::nullopt;
  parameters.spell("GTIN", std::move(gtins));
  const ShopId shop{call.path.id};
  return entry_in_shop(
      shop, parameters.address("/api/v1/shops/" + std::to_string(shop.value()) + "/stock"));
}

storage::RowKeys keys(const Arguments& path) { return rows_of(key_of(path)); }

std::optional<Result> one(const Arguments& path, const storage::Rows& rows) {
  const auto reading = with_product(rows, *path.reading);
  if (reading && reading->id != ReadingId{path.id}) return std::nullopt;
  return one_response(reading);
}

std::optional<Result> one_in_shop(const Arguments& path, const storage::Rows& rows) {
  return one_response(with_product(rows, key_of(path)));
}

Result in_all_shops(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  ListQuery list_query{{.gtins = {*call.path.gtin}}, parameters.limit(), parameters.counts()};
  list_query.filter.in_stock = parameters.flag("in_stock");
  list_query.filter.order = storage::orders_of(list_query.filter).front();
  read_cursor(parameters, list_query.filter);
  if (auto problem = parameters.finish()) return *problem;
  if (!reader.product(*call.path.gtin)) return not_found(Subject::product);
  return page_of_readings(reader, list_query,
                          "/api/v1/products/" + call.path.gtin->canonical() + "/stock", parameters);
}

Result history(Service& service, const Call& call) {
  Parameters parameters{call.query};
  const auto limit = parameters.limit();
  std::optional<storage::HistoryCursor> before;
  if (const auto cursor = parameters.cursor()) {
    before = parse_history_cursor(*cursor);
    if (!before) parameters.refuse_cursor();
  }
  if (auto problem = parameters.finish()) return *problem;
  const auto reader = service.database.read();
  auto page = reader->history(ReadingId{call.path.id}, before, limit);
  // Nothing is written to a reading whose shop or product was deleted.
  const auto& [shop, gtin] = *call.path.reading;
  const auto rows = reader->rows({.shops = {shop}, .products = {gtin}, .readings = {}});
  const bool is_open = !rows.shops.empty() && !rows.products.empty();
  storage::Page<ShownEvent> shown{.rows = {}, .more = page.more};
  for (auto& entry : page.rows) {
    const bool voidable =
        is_open && is_voidable(entry, *call.actor, service.options.staff_void_time);
    shown.rows.push_back({std::move(entry), voidable});
  }
  auto response =
      page_response(shown, canonical_path(call.request.path), parameters,
                    [](const auto& row) { return write_history_cursor(row.entry.event); });
  // The history before this time was deleted (storage/ledger_retention.hpp); the reading still
  // contains it.
  if (page.begins_at) response.headers.push_back({"History-Begins", to_string(*page.begins_at)});
  return response;
}

// ----------------------------------------------------------------------------------------------
// POST, PUT, PATCH, DELETE

Operation start(const Call& call, const Body* body, ShopId shop, Gtin gtin) {
  auto key = read_idempotency_key(call, body);
  if (!key) return key.error();
  const auto tags = read_if_match(call.request);
  if (!tags) return tags.error();
  StockOperation operation{.shop = shop, .gtin = gtin, .actor = *call.actor};
  operation.idempotency_key = *key;
  if (tags.value()) operation.if_match = reading_precondition(*tags.value());
  return operation;
}

Operation record(const Call& call) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto shop = fields.integer("shop", 1, INT64_MAX);
  const auto gtin = fields.gtin("GTIN");
  const auto name = fields.name("name");
  const auto observed_at = fields.instant("observed_at");
  const auto seen = read_observation(fields, kind_of_record(fields));
  fields.require("shop", shop);
  fields.require("GTIN", gtin);
  fields.not_null("name", name, "Omit it for a known product.");
  fields.not_null("observed_at", observed_at, "Omit it for the current time.");
  if (auto problem = fields.finish()) return *problem;
  auto started = start(call, &fields, ShopId{*shop.value}, *gtin.value);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.may_create = true;
  operation.product_name = name.value;
  operation.observed_at = observed_at.value;
  apply(seen, operation);
  return operation;
}

Operation replace(const Call& call) { return update(call, Extent::whole); }

Operation change(const Call& call) { return update(call, Extent::part); }

Operation adjust(const Call& call) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto delta = fields.integer("delta", -kQuantityMax, kQuantityMax);
  const auto sent = read_reason_and_time(fields);
  fields.require("delta", delta);
  if (auto problem = fields.finish()) return *problem;
  auto started = start_of_path(call, &fields);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.kind = EventKind::adjust;
  operation.delta = *delta.value;
  operation.reason = sent.reason.value;
  operation.observed_at = sent.observed_at.value;
  return operation;
}

Operation remove(const Call& call) { return removal(call, EventKind::remove); }

Operation void_event(const Call& call) { return removal(call, EventKind::void_event); }

WriteResponse written(const Written& written) {
  const auto& reading = written.reading;
  if (!written.present) return {.body = tombstone_json(reading, written.outcome)};
  return {written.created ? 201 : 200, reading_tag(reading),
          written.created ? std::string{kPath} + "/" + std::to_string(reading.id.value())
                          : std::string{},
          to_json(reading, written.outcome)};
}

WriteResponse no_content(const Written&) { return {.status = 204}; }

}  // namespace codasync::api::readings
