#include "storage/postgres/columns.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "storage/model/encoding.hpp"

namespace codasync::storage::postgres {
namespace {

/// Reads the columns of a row from left to right.
class Columns {
 public:
  explicit Columns(const pqxx::row& row) : row_{row} {}

  /// Returns: whether the next column is null, which is skipped then with the following ones.
  bool skip_null(pqxx::row::size_type columns) {
    if (!row_[column_].is_null()) return false;
    column_ += columns;
    return true;
  }

  std::int64_t number() { return next().as<std::int64_t>(); }
  std::string text() { return next().as<std::string>(); }
  Instant instant() { return instant_of(next()); }

  std::optional<std::int64_t> optional_number() { return postgres::optional_number(next()); }
  std::optional<std::string> optional_text() { return maybe<std::string>(); }
  std::optional<Instant> optional_instant() { return postgres::optional_instant(next()); }
  Uuid uuid() { return Uuid::parse(next().c_str()).value(); }
  std::optional<Uuid> optional_uuid() {
    const pqxx::field field = next();
    return field.is_null() ? std::nullopt : Uuid::parse(field.c_str());
  }
  std::optional<ShelfDate> shelf_date() {
    const pqxx::field day = next();
    return shelf_date_of(day, next());
  }
  EventKind event_kind() { return event_kind_of(next()); }
  char code() { return next().c_str()[0]; }
  std::vector<ShopId> shops() {
    std::vector<ShopId> ids;
    for (const auto id : numbers_of_list(next())) ids.emplace_back(id);
    return ids;
  }

 private:
  template <class Value>
  std::optional<Value> maybe() {
    const pqxx::field field = next();
    return field.is_null() ? std::nullopt : std::optional{field.as<Value>()};
  }
  pqxx::field next() { return row_[column_++]; }

  const pqxx::row& row_;
  pqxx::row::size_type column_{0};
};

std::optional<std::int64_t> shown_quantity(const std::optional<std::int64_t>& stored) {
  return stored ? std::optional{std::min(*stored, kQuantityMax)} : std::nullopt;
}

}  // namespace

Instant instant_of(const pqxx::field& micros) {
  return Instant{std::chrono::microseconds{micros.as<std::int64_t>()}};
}

std::optional<Instant> optional_instant(const pqxx::field& micros) {
  return micros.is_null() ? std::nullopt : std::optional{instant_of(micros)};
}

std::optional<std::string> optional_text(const pqxx::field& text) {
  return text.is_null() ? std::nullopt : std::optional{text.as<std::string>()};
}

std::optional<std::int64_t> optional_number(const pqxx::field& number) {
  return number.is_null() ? std::nullopt : std::optional{number.as<std::int64_t>()};
}

std::string bytea(const TokenHash& hash) { return "\\x" + to_hex(hash); }

char code_of(DateKind kind) {
  switch (kind) {
    case DateKind::use_by:
      return 'u';
    case DateKind::sell_by:
      return 's';
    case DateKind::best_before:
      return 'b';
  }
  __builtin_unreachable();
}

char code_of(EventKind kind) {
  switch (kind) {
    case EventKind::sighting:
      return 's';
    case EventKind::check:
      return 'c';
    case EventKind::count:
      return 'q';
    case EventKind::adjust:
      return 'a';
    case EventKind::remove:
      return 'r';
    case EventKind::void_event:
      return 'v';
  }
  __builtin_unreachable();
}

std::optional<ShelfDate> shelf_date_of(const pqxx::field& days, const pqxx::field& kind) {
  if (days.is_null()) return std::nullopt;
  ShelfDate date{std::chrono::sys_days{std::chrono::days{days.as<int>()}}, std::nullopt};
  for (const auto known : {DateKind::use_by, DateKind::sell_by, DateKind::best_before}) {
    if (!kind.is_null() && kind.c_str()[0] == code_of(known)) date.kind = known;
  }
  return date;
}

EventKind event_kind_of(const pqxx::field& code) {
  for (const auto known : {EventKind::sighting, EventKind::check, EventKind::count,
                           EventKind::adjust, EventKind::remove}) {
    if (code.c_str()[0] == code_of(known)) return known;
  }
  return EventKind::void_event;
}

std::vector<std::int64_t> numbers_of_list(const pqxx::field& list) {
  std::vector<std::int64_t> numbers;
  const char* at = list.c_str();
  const char* const end = at + list.size();
  while (at < end) {
    std::int64_t number = 0;
    at = std::from_chars(at, end, number).ptr + 1;
    numbers.push_back(number);
  }
  return numbers;
}

std::array<std::uint8_t, 32> fingerprint_of(const pqxx::field& hex) {
  std::array<std::uint8_t, 32> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    std::from_chars(hex.c_str() + 2 * i, hex.c_str() + 2 * i + 2, bytes[i], 16);
  return bytes;
}

namespace {

Shop shop_of(Columns& columns) {
  return {.id = ShopId{columns.number()},
          .name = columns.text(),
          .time_zone = columns.text(),
          .version = columns.number(),
          .updated_at = columns.instant()};
}

Product product_of(Columns& columns) {
  return {.gtin = Gtin::from_number(columns.number()),
          .name = columns.text(),
          .brand = columns.optional_text(),
          .category = columns.optional_text(),
          .version = columns.number(),
          .updated_at = columns.instant()};
}

ReadingRow reading_row_of(Columns& columns) {
  ReadingRow reading{.id = ReadingId{columns.number()},
                     .shop = ShopId{columns.number()},
                     .gtin = Gtin::from_number(columns.number()),
                     .date = columns.shelf_date(),
                     .quantity = shown_quantity(columns.optional_number()),
                     .version = columns.number(),
                     .observed_at = columns.instant(),
                     .updated_at = columns.instant(),
                     .checked_at = columns.optional_instant(),
                     .counted_at = columns.optional_instant(),
                     .expired = false};
  const auto expires_at = columns.optional_instant();
  const auto now = columns.instant();
  reading.expired = expires_at && *expires_at <= now;
  if (!reading.expired) reading.expires_at = expires_at;
  return reading;
}

}  // namespace

Shop shop_of(const pqxx::row& row) {
  Columns columns{row};
  return shop_of(columns);
}

Product product_of(const pqxx::row& row) {
  Columns columns{row};
  return product_of(columns);
}

Reading reading_of(const pqxx::row& row) {
  Columns columns{row};
  auto reading = reading_row_of(columns);
  auto name = columns.text();
  return {std::move(reading), std::move(name), columns.number()};
}

namespace {

constexpr pqxx::row::size_type kOfShop = 5;
constexpr pqxx::row::size_type kOfProduct = 6;
constexpr pqxx::row::size_type kOfReading = 13;

}  // namespace

void add_row(const pqxx::row& row, Rows& rows) {
  Columns columns{row};
  if (!columns.skip_null(kOfShop)) {
    auto shop = shop_of(columns);
    rows.shops.emplace(shop.id, std::move(shop));
  }
  if (!columns.skip_null(kOfProduct)) {
    auto product = product_of(columns);
    rows.products.emplace(product.gtin, std::move(product));
  }
  if (!columns.skip_null(kOfReading)) {
    const auto reading = reading_row_of(columns);
    rows.readings.emplace(ReadingKey{reading.shop, reading.gtin}, reading);
  }
}

HistoryEntry event_of(const pqxx::row& row) {
  Columns columns{row};
  HistoryEntry entry{.event = {.id = columns.uuid(),
                               .kind = columns.event_kind(),
                               .date = columns.shelf_date(),
                               .quantity = columns.optional_number(),
                               .delta = columns.number(),
                               .voids = columns.optional_uuid(),
                               .observed_at = columns.instant()},
                     .reading = ReadingId{columns.number()},
                     .received_at = columns.instant(),
                     .token = TokenId{columns.number()},
                     .actor = columns.text(),
                     .reason = columns.optional_text(),
                     .outcome = columns.code() == 'a' ? EventOutcome::applied : EventOutcome::kept,
                     .version = columns.number(),
                     .voided_by = columns.optional_uuid()};
  // A void that waited for another void has no effect.
  if (entry.event.kind == EventKind::void_event) entry.voided_by.reset();
  return entry;
}

AuditEntry audit_entry_of(const pqxx::row& row) {
  Columns columns{row};
  return {.id = columns.number(),
          .at = columns.instant(),
          .token = TokenId{columns.number()},
          .actor = columns.text(),
          .action = columns.text(),
          .subject = columns.text(),
          .subject_id = columns.number(),
          .before = columns.optional_text(),
          .after = columns.optional_text()};
}

ImportRecord import_of(const pqxx::row& row) {
  Columns columns{row};
  const auto count = [&] { return static_cast<std::size_t>(columns.number()); };
  return {.id = columns.uuid(),
          .kind = columns.text(),
          .token = TokenId{columns.number()},
          .actor = columns.text(),
          .started_at = columns.instant(),
          .ended_at = columns.optional_instant(),
          .outcome = columns.optional_text(),
          .tally = {.rows = count(),
                    .refused = count(),
                    .created = count(),
                    .changed = count(),
                    .unchanged = count()},
          .undone_at = columns.optional_instant()};
}

Token token_of(const pqxx::row& row) {
  Columns columns{row};
  return {.id = TokenId{columns.number()},
          .name = columns.text(),
          .role = parse_role(columns.text()).value(),
          .shops = columns.shops(),
          .created_at = columns.instant(),
          .expires_at = columns.optional_instant(),
          .person = columns.optional_text(),
          .last_used_at = columns.optional_instant()};
}

}  // namespace codasync::storage::postgres
