#include "api/answers.hpp"
#include "api/resources/handlers.hpp"

// What clients send to the ledger, and what they are answered. The rules themselves are the
// ledger's.

namespace codasync::api::readings {
namespace {

using storage::Refused;
using storage::StockOperation;
using storage::Written;

constexpr std::string_view kPath = "/api/v1/stock-readings/";

/// Returns: an operation with who writes and under which conditions, or what is wrong with the
/// headers. `body`: null pointer for a request without one.
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

/// The same for a path that names a reading by its id.
Operation start(const Call& call, const Body* body) {
  auto started = start(call, body, call.path.reading->shop, call.path.reading->gtin);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.reading = ReadingId{call.path.id};
  return operation;
}

/// The fields that say what was seen on the shelf.
struct Observation {
  Field<Date> expiry_date;
  Field<std::string> date_kind;
  Field<std::int64_t> quantity;
  Field<std::string> kind;

  /// Returns: whether the client said anything about the shelf.
  [[nodiscard]] bool given() const {
    return expiry_date.given || date_kind.given || quantity.given || kind.given;
  }
};

Observation read_observation(Body& fields) {
  Observation seen{fields.date("expiry_date"),
                   fields.one_of("date_kind", {"use_by", "sell_by", "best_before"}),
                   fields.integer("quantity", 0, kQuantityMax),
                   fields.one_of("kind", {"sighting", "check", "count"})};
  fields.not_null("kind", seen.kind, "Leave it out for a plain recording.");
  if (seen.kind.value == "check" && !seen.expiry_date.given) {
    fields.refuse("expiry_date",
                  "A check requires `expiry_date`: the earliest date on the shelf, or null if the "
                  "shelf is empty.");
  }
  if (seen.date_kind.value && !seen.expiry_date.value)
    fields.refuse("date_kind", "It describes `expiry_date`; send both.");
  if (seen.kind.value == "count" && !seen.quantity.value) {
    fields.refuse("quantity", "A count requires `quantity`.");
  }
  if (seen.kind.value == "count" && seen.expiry_date.value) {
    fields.refuse("kind", "A count has no date; leave `kind` out to record both.");
  }
  return seen;
}

/// Null is no value of these fields in a PATCH: it would be ignored.
void refuse_nulls(Body& fields, const Observation& seen) {
  fields.not_null("quantity", seen.quantity,
                  "To correct a wrong count, void its event or count again.");
  if (seen.kind.value != "check")
    fields.not_null("expiry_date", seen.expiry_date,
                    "For an empty shelf send \"kind\": \"check\" with it.");
  if (!seen.expiry_date.given)
    fields.not_null("date_kind", seen.date_kind, "It describes `expiry_date`; send both.");
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

enum class Extent { whole, part };

/// PUT and PATCH: what is left out stays, what identifies the reading must be as it is.
Operation update(const Call& call, Extent extent) {
  auto body = read_body(call.request);
  if (!body) return body.error();
  auto fields = std::move(body).value();
  const auto& key = *call.path.reading;
  const auto shop = fields.integer("shop", 1, INT64_MAX);
  const auto gtin = fields.gtin("GTIN");
  const auto name = fields.name("name");
  const auto seen = read_observation(fields);
  const auto observed_at = fields.instant("observed_at");
  fields.own_id("id", call.path.id);
  fields.own("shop", shop, key.shop.value());
  fields.own("GTIN", gtin, key.gtin);
  fields.not_null("shop", shop);
  fields.not_null("GTIN", gtin);
  fields.not_null("name", name);
  fields.not_null("observed_at", observed_at, "Leave it out for a write of now.");
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

  auto started = start(call, &fields);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.kind.reset();
  if (seen.given()) apply(seen, operation);
  operation.product_name = name.value;
  operation.observed_at = observed_at.value;
  operation.echoes = true;
  return operation;
}

/// What a body may say of an operation that needs none: why, and when it happened.
struct Circumstances {
  Field<std::string> reason;
  Field<Instant> observed_at;
};

Circumstances read_circumstances(Body& fields) {
  Circumstances read{fields.name("reason"), fields.instant("observed_at")};
  fields.not_null("observed_at", read.observed_at, "Leave it out for a write of now.");
  return read;
}

/// DELETE of a reading or of an event: a body is not needed.
Operation take_away(const Call& call, EventKind kind) {
  std::optional<Body> fields;
  Circumstances circumstances;
  if (!call.request.body.empty()) {
    auto body = read_body(call.request);
    if (!body) return body.error();
    fields.emplace(std::move(body).value());
    circumstances = read_circumstances(*fields);
    if (auto problem = fields->finish()) return *problem;
  }
  auto started = start(call, fields ? &*fields : nullptr);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.kind = kind;
  operation.voids = call.path.event;
  operation.reason = circumstances.reason.value;
  operation.observed_at = circumstances.observed_at.value;
  return operation;
}

std::optional<std::int64_t> quantity_of(const Refused& refused) {
  return refused.reading ? refused.reading->quantity : std::nullopt;
}

Problem explain(const Refused& refused) {
  using enum Refused::Why;
  switch (refused.why) {
    case other_shop:
      return forbidden("This access token is for other shops.");
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
      return {409,
              "below-zero",
              "The adjustment would make the quantity negative; it is now " +
                  std::to_string(quantity_of(refused).value_or(0)) + ".",
              {},
              {},
              quantity_of(refused)};
    case above_max:
      return {409, "above-max", "The quantity would exceed 2147483647.",
              {},  {},          quantity_of(refused)};
    case never_counted:
      return {409, "never-counted",
              "This product was never counted here, so there is no quantity to adjust. Send a "
              "`quantity` first."};
    case precondition_failed: {
      Problem problem{412, "precondition-failed",
                      "The reading was changed by someone else. Fetch it again and retry with its "
                      "new ETag."};
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
    case event_not_voidable:
      return {409, "event-not-voidable", "A void cannot be voided. Record again what was seen."};
    case too_old:
      return {422, "too-old",
              "The ledger takes no events from before " +
                  to_string(refused.ledger_floor.value_or(Instant{})) + "."};
    case moment_is_full:
      return {422, "moment-is-full",
              "Too many events of this reading have exactly this `observed_at`. Send the time to "
              "the microsecond."};
    case id_reused:
      return {422, "id-reused",
              "An operation of this name was recorded before, with other content. Use a new "
              "Idempotency-Key."};
    case key_reused:
      return {422, "key-reused",
              "This Idempotency-Key was used for another request. Use a new key."};
    case token_revoked:
      return unauthorized("This access token was revoked or has expired.");
  }
  __builtin_unreachable();
}

Problem explain(const storage::Failed& failed) {
  using enum storage::Failed::Kind;
  switch (failed.kind) {
    case unavailable:
      return unavailable_because(failed.dependency);
    case in_doubt:
      return api::in_doubt();
    case bug:
      return internal_error();
  }
  __builtin_unreachable();
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
  fields.not_null("name", name, "Leave it out for a product that is known.");
  fields.not_null("observed_at", observed_at, "Leave it out for a write of now.");
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
  const auto circumstances = read_circumstances(fields);
  fields.require("delta", delta);
  if (auto problem = fields.finish()) return *problem;
  auto started = start(call, &fields);
  if (!started) return started.error();
  auto operation = std::move(started).value();
  operation.kind = EventKind::adjust;
  operation.delta = *delta.value;
  operation.reason = circumstances.reason.value;
  operation.observed_at = circumstances.observed_at.value;
  return operation;
}

Operation remove(const Call& call) { return take_away(call, EventKind::remove); }

Operation void_event(const Call& call) { return take_away(call, EventKind::void_event); }

Answer written(const Written& written) {
  const auto& reading = written.reading;
  if (!written.present) return {.body = tombstone_json(reading, written.outcome)};
  return {written.created ? 201 : 200, reading_tag(reading.version, reading.product_version),
          written.created ? std::string{kPath} + std::to_string(reading.id.value()) : std::string{},
          to_json(reading, written.outcome)};
}

Answer done(const Written&) { return {.status = 204}; }

Result to_result(const storage::StockResult& result, Answer (*answer)(const Written&)) {
  if (const auto* written = std::get_if<Written>(&result)) return to_response(answer(*written));
  if (const auto* kept = std::get_if<storage::KeptText>(&result)) return to_response(*kept);
  if (const auto* refused = std::get_if<Refused>(&result)) return explain(*refused);
  return explain(std::get<storage::Failed>(result));
}

}  // namespace codasync::api::readings
