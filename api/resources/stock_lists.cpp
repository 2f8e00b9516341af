#include <algorithm>

#include "api/feed_cursor.hpp"
#include "api/resources/handlers.hpp"
#include "api/resources/observation.hpp"
#include "api/resources/scanned_codes.hpp"
#include "api/responses.hpp"
#include "storage/operation_name.hpp"

// Lists of operations: /stock-readings/batch and /sync. Each operation has an id, is decided by
// itself, and gets a result of its own. A repeated one is a duplicate.

namespace codasync::api::lists {
namespace {

using storage::Refused;
using storage::StockOperation;
using storage::Written;

constexpr std::size_t kOperationsMax = 1000;

Field<Uuid> read_uuid(Body& fields, const char* field) {
  const auto text = fields.name(field);
  Field<Uuid> read{text.given};
  if (!text.value) return read;
  read.value = Uuid::parse(*text.value);
  if (!read.value) fields.refuse(field, "This must be a UUID.");
  return read;
}

/// What holds for all operations of a request.
struct Sender {
  storage::Token token;
  std::optional<Uuid> device;
  std::chrono::microseconds clock_offset{0};
};

/// Returns: the name of the operation; nullopt when its id is not valid, which is reported then.
std::optional<Uuid> read_name(Body& fields, const Sender& sender, OperationList::Each& each) {
  const auto id = fields.name("id");
  fields.require("id", id);
  each.id = id.value;
  if (!id.value) return std::nullopt;
  if (!sender.device) return storage::name_of_item(sender.token.id, *id.value);
  const auto uuid = Uuid::parse(*id.value);
  if (!uuid) fields.refuse("id", "This must be a UUID.");
  return uuid ? std::optional{storage::name_of_operation(*sender.device, *uuid)} : std::nullopt;
}

/// Reads the fields of a record; `kind` was read before. `scanned`: the date of its codes.
void read_record(Body& fields, const Field<std::string>& kind, StockOperation& operation,
                 const std::optional<ShelfDate>& scanned = std::nullopt) {
  const auto seen = readings::read_observation(fields, kind, scanned);
  const auto name = fields.name("name");
  fields.not_null("name", name, "Omit it for a known product.");
  readings::apply(seen, operation);
  operation.may_create = true;
  operation.product_name = name.value;
}

void read_adjustment(Body& fields, StockOperation& operation) {
  const auto delta = fields.integer("delta", -kQuantityMax, kQuantityMax);
  fields.require("delta", delta);
  operation.kind = EventKind::adjust;
  operation.delta = delta.value.value_or(0);
  operation.reason = fields.name("reason").value;
}

void read_removal(Body& fields, StockOperation& operation) {
  operation.kind = EventKind::remove;
  operation.reason = fields.name("reason").value;
}

void read_void(Body& fields, const Sender& sender, StockOperation& operation) {
  const auto event = read_uuid(fields, "voids");
  const auto own = read_uuid(fields, "voids_operation");
  if (event.given == own.given)
    fields.refuse("voids",
                  "A void requires either `voids`, the id of an event, or "
                  "`voids_operation`, the id of an operation of this device.");
  fields.not_null("voids", event);
  fields.not_null("voids_operation", own);
  operation.kind = EventKind::void_event;
  operation.awaits_target = true;
  operation.voids = event.value;
  if (own.value) operation.voids = storage::name_of_operation(*sender.device, *own.value);
  operation.voids_own = own.value.has_value();
  operation.reason = fields.name("reason").value;
}

/// Finishes an operation whose fields were read.
void finish(Body& fields, std::optional<Uuid> name, std::optional<StockOperation> operation,
            OperationList::Each& each) {
  if (auto problem = fields.finish()) {
    each.content = std::move(*problem);
    return;
  }
  operation->name = name;
  each.content = std::move(*operation);
}

std::optional<Instant> corrected(const Field<Instant>& sent, const Sender& sender) {
  return sent.value ? std::optional{*sent.value + sender.clock_offset} : std::nullopt;
}

/// An item of a batch. `strict`: one without `observed_at` is a request for now.
OperationList::Each read_item(Body& fields, const Sender& sender, bool strict) {
  OperationList::Each each;
  const auto name = read_name(fields, sender, each);
  const auto op = fields.one_of("op", {"record", "adjust", "remove"});
  const auto shop = fields.integer("shop", 1, INT64_MAX);
  const auto gtin = fields.gtin("GTIN");
  const auto observed_at = fields.instant("observed_at");
  fields.require("op", op);
  fields.require("shop", shop);
  fields.require("GTIN", gtin);
  fields.not_null("observed_at", observed_at, "Omit it for the current time.");
  StockOperation operation{.shop = ShopId{shop.value.value_or(1)},
                           .gtin = gtin.value.value_or(Gtin::from_number(1)),
                           .actor = sender.token};
  operation.observed_at = corrected(observed_at, sender);
  if (!strict && !operation.observed_at) operation.observed_at = storage::kOnArrival;
  if (op.value == "adjust") {
    read_adjustment(fields, operation);
  } else if (op.value == "remove") {
    read_removal(fields, operation);
  } else {
    read_record(fields, fields.one_of("kind", {"sighting", "check", "count"}), operation);
  }
  finish(fields, name, std::move(operation), each);
  return each;
}

/// Returns: the item of the codes, which has a GTIN; nullopt for others, which are reported.
std::optional<barcode::ScannedItem> read_item_of(Body& fields, const scan::ScannedCodes& codes,
                                                 std::optional<Problem>& conflict) {
  const auto parsed = codes.parsed();
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    if (const auto& error = parsed[i].error)
      fields.refuse("codes", "Code " + std::to_string(i + 1) + ", byte " +
                                 std::to_string(error->at) + ": " + error->detail);
  }
  auto item = barcode::merge(parsed);
  if (!item) {
    conflict = scan::conflicting(item.error());
    return std::nullopt;
  }
  if (codes.texts.value && !item.value().gtin) fields.refuse("codes", "No code has a GTIN.");
  return std::move(item).value();
}

/// An operation of a device.
OperationList::Each read_operation(Body& fields, const Sender& sender, ShopId shop) {
  OperationList::Each each;
  const auto name = read_name(fields, sender, each);
  const auto kind =
      fields.one_of("kind", {"sighting", "check", "count", "adjust", "remove", "void"});
  auto gtin = fields.gtin("GTIN");
  const auto observed_at = fields.instant("observed_at");
  const auto corrected_at = corrected(observed_at, sender);
  const auto codes = scan::read_codes(fields, corrected_at);
  fields.require("observed_at", observed_at);
  std::optional<ShelfDate> scanned;
  std::optional<Problem> conflict;
  if (!codes.texts.given) {
    fields.require("GTIN", gtin);
  } else if (gtin.given) {
    fields.refuse("GTIN", "Send either `GTIN` or `codes`.");
  } else if (const auto item = read_item_of(fields, codes, conflict)) {
    gtin.value = item->gtin;
    scanned = item->date;
  }
  StockOperation operation{
      .shop = shop, .gtin = gtin.value.value_or(Gtin::from_number(1)), .actor = sender.token};
  operation.observed_at = corrected_at;
  if (kind.value == "adjust") {
    read_adjustment(fields, operation);
  } else if (kind.value == "remove") {
    read_removal(fields, operation);
  } else if (kind.value == "void") {
    read_void(fields, sender, operation);
  } else {
    read_record(fields, kind, operation, scanned);
  }
  finish(fields, name, std::move(operation), each);
  if (conflict) each.content = std::move(*conflict);
  return each;
}

/// Returns: the body, or 400 also for conditions, which a list cannot have, and for a key that no
/// request can have.
Outcome<Body, Problem> read_list_body(const Call& call) {
  if (const auto key = read_idempotency_key(call, nullptr); !key) return key.error();
  const auto tags = read_if_match(call.request);
  if (!tags) return tags.error();
  if (tags.value())
    return bad_fields({{"If-Match", {"A list of operations has no version. Omit this header."}}});
  return read_body(call.request);
}

std::chrono::microseconds offset_of(Service& service, const Field<Uuid>& device,
                                    const Field<Instant>& device_time) {
  if (!device.value || !device_time.value) return std::chrono::microseconds{0};
  return service.database.device_offset(*device.value, *device_time.value);
}

std::string result_json(const OperationList::Each& each, const Written& written) {
  const auto& operation = std::get<StockOperation>(each.content);
  return accepted_json(*each.id, *operation.name, written.outcome,
                       {written.reading, !written.present});
}

std::string result_json(const OperationList::Each& each, const Problem& problem, const Call& call) {
  return rejected_json(each.id, to_response(problem, call.request.request_id).body);
}

/// Returns: the failure that says what is true for both: 503 promises that nothing was changed.
const storage::Failed& graver(const storage::Failed* known, const storage::Failed& other) {
  const bool in_doubt = known != nullptr && known->kind == storage::Failed::Kind::in_doubt;
  return in_doubt ? *known : other;
}

/// Returns: a JSON array with the result of each operation that was decided; or the problem of all.
Outcome<std::string, Problem> results_json(Service& service, const Call& call,
                                           const OperationList& list,
                                           const std::vector<storage::StockResult>& results) {
  std::vector<std::string> shown;
  const storage::Failed* failed = nullptr;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& each = list.operations[i];
    if (const auto* problem = std::get_if<Problem>(&each.content)) {
      shown.push_back(result_json(each, *problem, call));
    } else if (const auto* written = std::get_if<Written>(&results[i])) {
      shown.push_back(result_json(each, *written));
    } else if (const auto* refused = std::get_if<Refused>(&results[i])) {
      // Not a result of the operation: the client can send it again with another token.
      if (refused->why == Refused::Why::token_revoked) return token_revoked();
      shown.push_back(result_json(each, readings::explain(*refused), call));
    } else {
      failed = &graver(failed, std::get<storage::Failed>(results[i]));
    }
  }
  if (failed != nullptr) {
    service.log.warning("operations of a list were not decided",
                        {{"request_id", call.request.request_id},
                         {"operations", results.size() - shown.size()},
                         {"dependency", failed->dependency},
                         {"detail", failed->log_detail}});
    if (shown.empty()) return readings::explain(*failed);
  }
  return array_json(shown);
}

Response json_response(std::string json) {
  return {
      200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, std::move(json)};
}

}  // namespace

Outcome<OperationList, Problem> read_batch(Service& service, const Call& call) {
  auto body = read_list_body(call);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto device = read_uuid(fields, "device");
  const auto device_time = fields.instant("device_time");
  const auto strict = fields.flag("strict");
  auto items = fields.objects("items", kOperationsMax);
  fields.require("items", items);
  fields.not_null("device", device);
  fields.not_null("device_time", device_time);
  fields.not_null("strict", strict);
  if (device_time.value && !device.given)
    fields.refuse("device_time", "It belongs to `device`; send both.");
  if (auto problem = fields.finish()) return *problem;
  const Sender sender{*call.actor, device.value, offset_of(service, device, device_time)};
  OperationList list{.operations = {}, .clock_offset = sender.clock_offset, .pull = {}};
  for (auto& item : *items.value)
    list.operations.push_back(read_item(item, sender, strict.value.value_or(false)));
  return list;
}

Result answer_batch(Service& service, const Call& call, const OperationList& list,
                    const std::vector<storage::StockResult>& results) {
  auto json = results_json(service, call, list, results);
  if (!json) return json.error();
  return json_response(batch_json(list.clock_offset, *json));
}

Outcome<OperationList, Problem> read_sync(Service& service, const Call& call) {
  auto body = read_list_body(call);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto device = read_uuid(fields, "device");
  const auto device_time = fields.instant("device_time");
  const auto shop = fields.integer("shop", 1, INT64_MAX);
  const auto since = fields.name("since");
  const auto limit = fields.integer("limit", 1, storage::kPageMax);
  auto operations = fields.objects("operations", kOperationsMax);
  fields.require("device", device);
  fields.require("shop", shop);
  fields.not_null("device_time", device_time);
  fields.not_null("since", since);
  fields.not_null("limit", limit);
  fields.not_null("operations", operations);
  std::optional<storage::FeedCursor> cursor;
  if (since.value) {
    cursor = parse_feed_cursor(*since.value);
    if (!cursor) fields.refuse("since", "Invalid cursor.");
  }
  if (auto problem = fields.finish()) return *problem;
  const ShopId id{*shop.value};
  if (auto problem = refuse_other_shop(*call.actor, id)) return *problem;
  const Sender sender{*call.actor, device.value, offset_of(service, device, device_time)};
  OperationList list{
      .operations = {},
      .clock_offset = sender.clock_offset,
      .pull = {id, cursor, static_cast<std::size_t>(limit.value.value_or(storage::kPageMax))}};
  if (operations.value) {
    for (auto& operation : *operations.value)
      list.operations.push_back(read_operation(operation, sender, id));
  }
  return list;
}

Result answer_sync(Service& service, const Call& call, const OperationList& list,
                   const std::vector<storage::StockResult>& results) {
  auto json = results_json(service, call, list, results);
  if (!json) return json.error();
  const auto& pull = list.pull;
  try {
    const auto page = service.database.read()->changes(pull.shop, pull.since, pull.limit);
    if (!page) return changes::explain(page.error());
    service.feed_lag.note(page->horizon);
    return json_response(
        sync_json(*page, to_text(page->next), service.feed_lag.behind(), list.clock_offset, *json));
  } catch (const Unavailable&) {
    // 503 would promise that nothing was changed.
    if (list.operations.empty()) throw;
    auto problem = in_doubt();
    problem.detail =
        "The operations were received, but the changes cannot be read now. Send the operations "
        "again: each takes effect only once.";
    return problem;
  }
}

}  // namespace codasync::api::lists
