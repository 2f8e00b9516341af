#include "api/answers.hpp"
#include "api/handlers.hpp"

// What clients send to the ledger, and what they are told. The rules themselves are the ledger's.

namespace codasync::api::readings {
namespace {

using storage::Answer;
using storage::Refused;
using storage::StockOperation;
using storage::Written;

constexpr std::string_view kPath = "/api/v1/stock-readings/";

Answer answer_write(const Written& written) {
  const auto& reading = written.reading;
  return {written.created ? 201 : 200, reading_tag(reading.version, reading.product_version),
          written.created ? std::string{kPath} + std::to_string(reading.id.value()) : std::string{},
          to_json(reading, written.outcome)};
}

Answer answer_removal(const Written&) { return {204, {}, {}, {}}; }

/// Returns: an operation on this reading with who writes and under which conditions, or what is
/// wrong with the headers.
Operation start(const Call& call, ShopId shop, Gtin gtin) {
  const auto& shops = call.actor->shops;
  if (!shops.empty() && std::find(shops.begin(), shops.end(), shop) == shops.end()) {
    return forbidden("This token is for other shops.");
  }
  auto key = read_idempotency_key(call.request);
  if (!key) return key.error();
  const auto tags = read_if_match(call.request);
  if (!tags) return tags.error();
  StockOperation operation{
      .shop = shop, .gtin = gtin, .actor = *call.actor, .answer = &answer_write};
  operation.idempotency_key = *key;
  if (tags.value()) operation.if_match = reading_precondition(*tags.value());
  return operation;
}

Operation start(const Call& call) {
  return start(call, call.path.reading->shop, call.path.reading->gtin);
}

/// The fields that say what was seen on the shelf.
struct Observation {
  Field<Date> expiry_date;
  Field<std::string> date_kind;
  Field<std::int64_t> quantity;
  Field<std::string> kind;
};

Observation read_observation(Body& fields) {
  Observation seen{fields.date("expiry_date"),
                   fields.one_of("date_kind", {"use_by", "sell_by", "best_before"}),
                   fields.integer("quantity", 0, kQuantityMax),
                   fields.one_of("kind", {"sighting", "check", "count"})};
  if (seen.kind.value == "check" && !seen.expiry_date.given) {
    fields.refuse("expiry_date",
                  "A check says the shortest date on the shelf, or null when nothing is left.");
  }
  if (seen.date_kind.value && !seen.expiry_date.value)
    fields.refuse("date_kind", "It says what `expiry_date` means; send both.");
  if (seen.kind.value == "count" && !seen.quantity.value) {
    fields.refuse("quantity", "A count says how many units are there.");
  }
  if (seen.kind.value == "count" && seen.expiry_date.value) {
    fields.refuse("kind", "A count says nothing about dates; leave `kind` out to record both.");
  }
  return seen;
}

void apply(const Observation& seen, StockOperation& operation) {
  if (seen.kind.value) {
    operation.kind = *parse_event_kind(*seen.kind.value);
  } else {
    // A bare quantity is a count; everything else that is written plainly is a sighting.
    operation.kind =
        seen.quantity.value && !seen.expiry_date.value ? EventKind::count : EventKind::sighting;
  }
  if (seen.expiry_date.value && operation.kind != EventKind::count) {
    operation.date =
        ShelfDate{*seen.expiry_date.value,
                  seen.date_kind.value ? parse_date_kind(*seen.date_kind.value) : std::nullopt};
  }
  operation.quantity = seen.quantity.value;
}

/// PUT and PATCH: what is left out stays, what identifies the reading must be as it is.
Operation update(const Call& call, bool whole) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto shop = fields.integer("shop", 1, INT64_MAX);
  const auto gtin = fields.gtin("GTIN");
  const auto name = fields.name("name");
  const auto seen = read_observation(fields);
  fields.not_null("shop", shop);
  fields.not_null("GTIN", gtin);
  fields.not_null("name", name);
  if (whole) {
    fields.require("shop", shop);
    fields.require("GTIN", gtin);
    fields.require("name", name);
    if (!seen.expiry_date.given) fields.refuse("expiry_date", "This field is required.");
  }
  fields.read_only({"id", "version", "observed_at", "updated_at", "outcome"});
  if (auto problem = fields.finish()) return *problem;

  const auto& key = *call.path.reading;
  FieldErrors moved;
  if (shop.value && *shop.value != key.shop.value())
    moved["shop"] = {"A reading cannot move to another shop."};
  if (gtin.value && *gtin.value != key.gtin)
    moved["GTIN"] = {"A reading cannot change its product."};
  if (!moved.empty()) {
    return Problem{422, "identity-is-fixed",
                   "Record a reading of its own for another shop or product.", moved};
  }
  auto started = start(call);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  apply(seen, operation);
  operation.product_name = name.value;
  return operation;
}

Problem explain(const Refused& refused) {
  using enum Refused::Why;
  switch (refused.why) {
    case unknown_shop:
      return {422,
              "unknown-shop",
              "There is no shop with this id.",
              {{"shop", {"There is no shop with this id."}}}};
    case unknown_product:
      return {422,
              "unknown-product",
              "There is no product with this GTIN. Send its `name` to create it.",
              {{"GTIN", {"There is no product with this GTIN."}}}};
    case not_found:
      return api::not_found("There is no such stock reading, or it was removed.");
    case below_zero:
      return {409, "below-zero", "There are fewer units than that. `quantity` says how many.",
              {},  {},           refused.reading ? refused.reading->quantity : std::nullopt};
    case above_max:
      return {409, "above-max", "The quantity would exceed 2147483647.",
              {},  {},          refused.reading ? refused.reading->quantity : std::nullopt};
    case never_counted:
      return {409, "never-counted",
              "Nobody has counted this product here yet, so there is nothing to adjust. Send a "
              "`quantity` first."};
    case precondition_failed: {
      Problem problem{
          412, "precondition-failed",
          "The reading has changed since; `version` is the current one. GET it and decide anew."};
      if (refused.reading) {
        problem.version = refused.reading->version;
        problem.headers = {
            {"ETag", "\"" +
                         reading_tag(refused.reading->version, refused.reading->product_version) +
                         "\""}};
      }
      return problem;
    }
    case rename_forbidden:
      return forbidden("The product has another name, and only an admin may rename it.");
    case unknown_event:
      return api::not_found("This reading has no such event.");
    case event_voided:
      return {409, "event-voided", "This event is void already."};
    case event_not_voidable:
      return {422, "event-not-voidable",
              "A void cannot be taken back. Record again what was seen."};
    case key_reused:
      return {422, "key-reused", "This Idempotency-Key stands for another request. Use a new one."};
    case token_revoked:
      return unauthorized("This token is revoked or has expired.");
  }
  __builtin_unreachable();
}

Problem explain(const storage::Failed& failed) {
  if (failed.in_doubt) return in_doubt();
  return unavailable("The service cannot write at the moment. Nothing was changed; try again.");
}

}  // namespace

Operation record(const Call& call) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto shop = fields.integer("shop", 1, INT64_MAX);
  const auto gtin = fields.gtin("GTIN");
  const auto name = fields.name("name");
  const auto observed_at = fields.instant("observed_at");
  const auto seen = read_observation(fields);
  fields.require("shop", shop);
  fields.require("GTIN", gtin);
  if (auto problem = fields.finish()) return *problem;
  auto started = start(call, ShopId{*shop.value}, *gtin.value);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.may_create = true;
  operation.product_name = name.value;
  operation.observed_at = observed_at.value;
  apply(seen, operation);
  return operation;
}

Operation replace(const Call& call) { return update(call, true); }

Operation change(const Call& call) { return update(call, false); }

Operation adjust(const Call& call) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto delta = fields.integer("delta", -kQuantityMax, kQuantityMax);
  const auto reason = fields.name("reason");
  fields.require("delta", delta);
  if (auto problem = fields.finish()) return *problem;
  auto started = start(call);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.kind = EventKind::adjust;
  operation.delta = *delta.value;
  operation.reason = reason.value;
  return operation;
}

Operation remove(const Call& call) {
  auto started = start(call);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.kind = EventKind::remove;
  operation.answer = &answer_removal;
  return operation;
}

Operation void_event(const Call& call) {
  auto started = start(call);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.kind = EventKind::void_event;
  operation.voids = call.path.event;
  operation.answer = &answer_removal;
  return operation;
}

Result to_result(const storage::StockResult& result) {
  if (const auto* answer = std::get_if<Answer>(&result)) return to_response(*answer);
  if (const auto* refused = std::get_if<Refused>(&result)) return explain(*refused);
  return explain(std::get<storage::Failed>(result));
}

}  // namespace codasync::api::readings
