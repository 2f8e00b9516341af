#include "storage/import/rows.hpp"

#include "storage/model/number.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Refusal = std::optional<RowRefusal>;

/// Reads the fields of one row. It stores the first invalid field; the values after it are not
/// used.
class FieldReader {
 public:
  FieldReader(std::size_t line, LostZeros lost_zeros) : line_{line}, lost_zeros_{lost_zeros} {}

  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }

  void refuse(std::string_view field, std::string_view reason) {
    if (!refusal_) refusal_ = RowRefusal{line_, std::string{field}, std::string{reason}};
  }

  Gtin gtin(std::string_view text) {
    const auto digits = collapse_white_space(text);
    auto parsed = Gtin::parse(digits);
    if (lost_zeros_ == LostZeros::restore && digits.size() == 11 && !parsed &&
        parsed.error() == GtinRefusal::wrong_length) {
      parsed = Gtin::parse("0" + digits);
    }
    if (parsed) return *parsed;
    refuse("GTIN", digits.empty() ? "The GTIN is missing." : explain(parsed.error()));
    return Gtin::from_number(0);
  }

  std::string name(std::string_view field, std::string_view text) {
    auto name = collapse_white_space(text);
    if (const auto refusal = refuse_name(name)) refuse(field, explain(*refusal));
    return name;
  }

  std::optional<std::string> optional_name(std::string_view field, std::string_view text) {
    auto name = collapse_white_space(text);
    if (name.empty()) return std::nullopt;
    if (const auto refusal = refuse_name(name)) refuse(field, explain(*refusal));
    return name;
  }

  /// Returns: the parsed value of a field; nullopt when it is empty or refused.
  template <class Parse>
  auto optional_value(std::string_view field, std::string_view text, Parse parse,
                      std::string_view rule) -> decltype(parse(text)) {
    if (text.empty()) return std::nullopt;
    auto value = parse(text);
    if (!value) refuse(field, rule);
    return value;
  }

 private:
  std::size_t line_;
  LostZeros lost_zeros_;
  Refusal refusal_;
};

std::optional<std::int64_t> parse_quantity(std::string_view text) {
  const auto number = parse_whole_number(text);
  return number && *number >= 0 && *number <= kQuantityMax ? number : std::nullopt;
}

std::optional<ShopId> parse_shop(std::string_view text) {
  const auto number = parse_whole_number(text);
  return number && *number > 0 ? std::optional{ShopId{*number}} : std::nullopt;
}

std::optional<EventKind> parse_recording(std::string_view text) {
  const auto kind = parse_event_kind(text);
  const bool recording =
      kind == EventKind::sighting || kind == EventKind::check || kind == EventKind::count;
  return recording ? kind : std::nullopt;
}

/// Refuses fields that contradict each other.
void refuse_contradictions(FieldReader& reader, const ReadingFields& fields, EventKind kind) {
  if (fields.expiry_date.empty() && !fields.date_kind.empty()) {
    reader.refuse("date_kind", "The kind of date needs an expiry date.");
  }
  if (kind != EventKind::count) return;
  if (fields.quantity.empty()) reader.refuse("quantity", "A count requires a quantity.");
  if (!fields.expiry_date.empty()) {
    reader.refuse("expiry_date", "A count has no date. A sighting or a check can have both.");
  }
}

}  // namespace

Outcome<ProductRow, RowRefusal> product_row(std::size_t line, const ProductFields& fields,
                                            LostZeros lost_zeros) {
  FieldReader reader{line, lost_zeros};
  ProductRow row{.line = line,
                 .gtin = reader.gtin(fields.gtin),
                 .name = reader.name("name", fields.name),
                 .brand = reader.optional_name("brand", fields.brand),
                 .category = reader.optional_name("category", fields.category)};
  if (reader.refusal()) return *reader.refusal();
  return row;
}

Outcome<ReadingRow, RowRefusal> reading_row(std::size_t line, const ReadingFields& fields,
                                            LostZeros lost_zeros, Date today) {
  FieldReader reader{line, lost_zeros};
  const auto shop = reader.optional_value("shop", fields.shop, parse_shop,
                                          "The shop must be a shop id, such as 7.");
  if (!shop) reader.refuse("shop", "The shop is missing.");
  const auto gtin = reader.gtin(fields.gtin);
  const auto date = reader.optional_value("expiry_date", fields.expiry_date, parse_date,
                                          "This is not a valid date. Write it as YYYY-MM-DD.");
  if (date && !is_expiry_date(*date, today)) reader.refuse("expiry_date", explain_expiry_date());
  const auto date_kind =
      reader.optional_value("date_kind", fields.date_kind, parse_date_kind,
                            "The kind of date must be use_by, sell_by or best_before.");
  const auto quantity =
      reader.optional_value("quantity", fields.quantity, parse_quantity,
                            "The quantity must be a whole number from 0 to 2147483647.");
  const auto kind = reader.optional_value("kind", fields.kind, parse_recording,
                                          "The kind must be sighting, check or count.");
  const auto observed_at = reader.optional_value(
      "observed_at", fields.observed_at, parse_instant,
      "This must be a date and time with its offset, such as 2026-11-24T09:15:00+01:00.");
  auto name = reader.optional_name("name", fields.name);
  refuse_contradictions(reader, fields, kind.value_or(EventKind::sighting));
  if (reader.refusal()) return *reader.refusal();

  return ReadingRow{.line = line,
                    .shop = *shop,
                    .gtin = gtin,
                    .kind = kind.value_or(EventKind::sighting),
                    .date = date ? std::optional{ShelfDate{*date, date_kind}} : std::nullopt,
                    .quantity = quantity,
                    .observed_at = observed_at,
                    .name = std::move(name)};
}

}  // namespace codasync::storage
