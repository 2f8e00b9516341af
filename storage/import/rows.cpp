#include "storage/import/rows.hpp"

#include <algorithm>

#include "storage/model/number.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Refusal = std::optional<RowRefusal>;

/// Reads the fields of one row. It stores the first invalid field; the values after it are not
/// used.
class FieldReader {
 public:
  FieldReader(std::size_t line, const RowRules& rules) : line_{line}, rules_{rules} {}

  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }

  void refuse(std::string_view field, std::string_view reason) {
    if (!refusal_) refusal_ = RowRefusal{line_, std::string{field}, std::string{reason}};
  }

  Gtin gtin(std::string_view text) {
    const auto parsed = gtin_of_cell(text);
    if (parsed) return *parsed;
    const auto digits = plain_cell(text);
    if (rules_.lost_zeros == LostZeros::restore && digits.size() == 11) {
      if (const auto restored = Gtin::parse("0" + digits)) return *restored;
    }
    refuse("GTIN", parsed.error());
    return Gtin::from_number(0);
  }

  std::string name(std::string_view field, std::string_view text) {
    auto name = collapse_white_space(unprotected(text));
    if (name.empty()) refuse(field, "The name is missing.");
    refuse_text(field, name, "");
    return name;
  }

  std::optional<std::string> optional_name(std::string_view field, std::string_view text) {
    auto name = collapse_white_space(unprotected(text));
    if (name.empty()) return std::nullopt;
    refuse_text(field, name, " The field may also be empty; --ignore imports without the column.");
    return name;
  }

  /// Returns: the brand or category of a product, as ProductRow has it.
  std::optional<std::string> product_text(std::string_view field,
                                          std::optional<std::string_view> text) {
    if (!text) return std::nullopt;
    auto name = optional_name(field, *text);
    return name || rules_.empty_cells == EmptyCells::keep ? name : std::string{};
  }

  /// Returns: the parsed value of a field; nullopt when it is empty or refused.
  template <class Parse>
  auto optional_value(std::string_view field, std::string_view text, Parse parse,
                      std::string_view rule) -> decltype(parse(text)) {
    const auto plain = plain_cell(text);
    if (plain.empty()) return std::nullopt;
    auto value = parse(plain);
    if (!value) refuse(field, rule);
    return value;
  }

  std::optional<Date> date(std::string_view text, Date today) {
    const auto plain = plain_cell(text);
    if (plain.empty()) return std::nullopt;
    auto date = rules_.date_format ? rules_.date_format->read(plain) : std::nullopt;
    if (!date) {
      // Eight digits can also be a date of the given format that does not exist.
      const bool digits = std::ranges::all_of(plain, [](char c) { return c >= '0' && c <= '9'; });
      const auto iso = parse_iso_date(plain);
      if (iso && !(rules_.date_format && digits)) {
        date = *iso;
      } else {
        const auto reason = iso ? DateRefusal::not_a_date : iso.error();
        refuse("expiry_date", rules_.date_format
                                  ? "This is neither a date in the format of --date-format nor "
                                    "YYYY-MM-DD."
                                  : explain(reason));
        return std::nullopt;
      }
    }
    if (!is_expiry_date(*date, today)) refuse("expiry_date", explain_expiry_date());
    return date;
  }

  std::optional<std::int64_t> quantity(std::string_view text) {
    if (plain_cell(text).empty()) return std::nullopt;
    const auto number = quantity_of_cell(text, rules_.decimal_mark);
    if (number) return *number;
    refuse("quantity", number.error());
    return std::nullopt;
  }

  std::optional<ShopId> shop(std::string_view text) {
    if (rules_.shop) return rules_.shop;
    const auto plain = plain_cell(text);
    if (plain.empty()) {
      refuse("shop", "The shop is missing.");
      return std::nullopt;
    }
    const auto number = parse_whole_number(plain);
    const auto named = rules_.shops.find(collapse_white_space(unprotected(text)));
    const bool is_name = named != rules_.shops.end();
    if (number && *number > 0) {
      const ShopId id{*number};
      if (!is_name || named->second == id) return id;
      const auto has_id = [&](const auto& shop) { return shop.second == id; };
      if (std::ranges::any_of(rules_.shops, has_id)) {
        refuse("shop", "This is the id of one shop and the name of another, which has the id " +
                           std::to_string(named->second.value()) +
                           ". Write the ids of the shops, or use --shop.");
        return std::nullopt;
      }
    }
    if (is_name) return named->second;
    refuse("shop", "The shop must be a shop id, such as 7, or the exact name of a shop.");
    return std::nullopt;
  }

 private:
  void refuse_text(std::string_view field, const std::string& text, std::string_view advice) {
    const auto refusal = refuse_name(text);
    if (!refusal) return;
    refuse(field,
           explain(*refusal) +
               (refusal->why == TextRefusal::not_utf8
                    ? " If a spreadsheet wrote the file: --encoding windows-1252, or save it "
                      "as \"CSV UTF-8\"."
                    : std::string{advice}));
  }

  std::size_t line_;
  const RowRules& rules_;
  Refusal refusal_;
};

/// Returns: the text as names are written: in lower case, with `_` for blanks and hyphens.
std::string as_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') {
      name.push_back(static_cast<char>(c - 'A' + 'a'));
    } else {
      name.push_back(c == ' ' || c == '-' ? '_' : c);
    }
  }
  return name;
}

std::optional<EventKind> parse_recording(std::string_view text) {
  const auto kind = parse_event_kind(as_name(text));
  const bool recording =
      kind == EventKind::sighting || kind == EventKind::check || kind == EventKind::count;
  return recording ? kind : std::nullopt;
}

/// Returns: a moment as RFC 3339 has it, also with a blank instead of `T`, and with an offset
/// without a colon or minutes, as databases and programs write it.
std::optional<Instant> parse_moment(std::string_view text) {
  constexpr std::size_t kDateCharacters = 10;
  std::string moment{text};
  if (moment.size() > kDateCharacters && moment[kDateCharacters] == ' ') {
    moment[kDateCharacters] = 'T';
    const auto sign = moment.find_first_of("+-", kDateCharacters);
    if (sign != std::string::npos) {
      const auto digits = moment.size() - sign - 1;
      if (digits == 2) moment += ":00";
      if (digits == 4) moment.insert(sign + 3, ":");
      if (moment[sign - 1] == ' ') moment.erase(sign - 1, 1);
    }
  }
  return parse_instant(moment);
}

/// Refuses fields that contradict each other. An invalid field is refused before.
void refuse_contradictions(FieldReader& reader, const ImportedReading& row, bool has_date_kind) {
  if (!row.date && has_date_kind)
    reader.refuse("date_kind", "The kind of date needs an expiry date.");
  if (row.kind != EventKind::count) return;
  if (!row.quantity) reader.refuse("quantity", "A count requires a quantity.");
  if (row.date) {
    reader.refuse("expiry_date", "A count has no date. A sighting or a check can have both.");
  }
}

}  // namespace

Outcome<ProductRow, RowRefusal> product_row(std::size_t line, const ProductFields& fields,
                                            const RowRules& rules) {
  FieldReader reader{line, rules};
  ProductRow row{.line = line,
                 .gtin = reader.gtin(fields.gtin),
                 .name = reader.name("name", fields.name),
                 .brand = reader.product_text("brand", fields.brand),
                 .category = reader.product_text("category", fields.category)};
  if (reader.refusal()) return *reader.refusal();
  return row;
}

Outcome<ImportedReading, RowRefusal> reading_row(std::size_t line, const ReadingFields& fields,
                                                 const RowRules& rules, Date today) {
  FieldReader reader{line, rules};
  const auto shop = reader.shop(fields.shop);
  const auto gtin = reader.gtin(fields.gtin);
  const auto date = reader.date(fields.expiry_date, today);
  const auto date_kind = reader.optional_value(
      "date_kind", fields.date_kind,
      [](std::string_view text) { return parse_date_kind(as_name(text)); },
      "The kind of date must be use_by, sell_by or best_before.");
  const auto quantity = reader.quantity(fields.quantity);
  const auto kind = reader.optional_value("kind", fields.kind, parse_recording,
                                          "The kind must be sighting, check or count.");
  const auto observed_at = reader.optional_value(
      "observed_at", fields.observed_at, parse_moment,
      "This must be a date and time with its offset, such as 2026-11-24T09:15:00+01:00.");
  auto name = reader.optional_name("name", fields.name);
  if (reader.refusal()) return *reader.refusal();

  ImportedReading row{.line = line,
                      .shop = *shop,
                      .gtin = gtin,
                      .kind = kind.value_or(EventKind::sighting),
                      .date = date ? std::optional{ShelfDate{*date, date_kind}} : std::nullopt,
                      .quantity = quantity,
                      .observed_at = observed_at,
                      .name = std::move(name)};
  refuse_contradictions(reader, row, date_kind.has_value());
  if (reader.refusal()) return *reader.refusal();
  return row;
}

}  // namespace codasync::storage
