#include "api/resources/observation.hpp"

namespace codasync::api::readings {

namespace {

/// Takes the date of codes over.
void take_scanned(Body& fields, const ShelfDate& scanned, Observation& seen) {
  if (seen.expiry_date.given) {
    fields.refuse("expiry_date", "The codes have a date. Omit this field.");
  } else if (seen.date_kind.value) {
    fields.refuse("date_kind", "The codes have a date with its kind. Omit this field.");
    seen.expiry_date.given = true;
    seen.date_kind.value.reset();
  } else if (!is_expiry_date(scanned.date, date_of(now()))) {
    fields.refuse("codes", std::string{explain_expiry_date()});
    seen.expiry_date.given = true;
  } else {
    seen.expiry_date = {true, scanned.date};
    seen.date_kind = {true, std::nullopt};
    if (scanned.kind) seen.date_kind.value = name_of(*scanned.kind);
  }
}

}  // namespace

Observation read_observation(Body& fields, const Field<std::string>& kind,
                             const std::optional<ShelfDate>& scanned) {
  Observation seen{kind, fields.date("expiry_date"),
                   fields.one_of("date_kind", {"use_by", "sell_by", "best_before"}),
                   fields.integer("quantity", 0, kQuantityMax)};
  fields.not_null("kind", seen.kind, "Omit it for a plain recording.");
  if (scanned && kind.value != "count") take_scanned(fields, *scanned, seen);
  if (seen.kind.value == "check" && !seen.expiry_date.given) {
    fields.refuse("expiry_date",
                  "A check requires `expiry_date`: the earliest date on the shelf, or null if the "
                  "shelf is empty.");
  }
  if (seen.date_kind.value) {
    if (!seen.expiry_date.given)
      fields.refuse("date_kind", "It belongs to `expiry_date`; send both.");
    fields.not_null("expiry_date", seen.expiry_date, "Without a date, omit `date_kind` too.");
  }
  if (seen.kind.value == "count") {
    if (!seen.quantity.given) fields.refuse("quantity", "A count requires `quantity`.");
    fields.not_null("quantity", seen.quantity, "A count requires it.");
    if (seen.expiry_date.value)
      fields.refuse("kind", "A count has no date. To record both, omit `kind`.");
  }
  return seen;
}

void apply(const Observation& seen, storage::StockOperation& operation) {
  if (seen.kind.value) {
    operation.kind = *parse_event_kind(*seen.kind.value);
  } else {
    // Without `kind`, a quantity without a date is a count, everything else a sighting.
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

}  // namespace codasync::api::readings
