#include "storage/postgres/columns.hpp"

#include <charconv>
#include <string_view>

namespace codasync::storage::postgres {
namespace {

/// Reads the columns of a row from left to right.
class Columns {
 public:
  explicit Columns(const pqxx::row& row) : row_{row} {}

  std::int64_t number() { return next().as<std::int64_t>(); }
  std::string text() { return next().as<std::string>(); }
  Instant instant() { return instant_of(next()); }

  std::optional<std::int64_t> maybe_number() { return maybe<std::int64_t>(); }
  std::optional<std::string> maybe_text() { return maybe<std::string>(); }
  std::optional<Instant> maybe_instant() {
    const pqxx::field field = next();
    return field.is_null() ? std::nullopt : std::optional{instant_of(field)};
  }
  Uuid uuid() { return Uuid::parse(next().c_str()).value(); }
  std::optional<Uuid> maybe_uuid() {
    const pqxx::field field = next();
    return field.is_null() ? std::nullopt : Uuid::parse(field.c_str());
  }
  /// Two columns: days since 1970, kind.
  std::optional<ShelfDate> shelf_date() {
    const std::optional<std::int64_t> day = maybe_number();
    const std::optional<std::string> kind = maybe_text();
    if (!day) return std::nullopt;
    return ShelfDate{std::chrono::sys_days{std::chrono::days{*day}},
                     kind ? parse_date_kind(*kind) : std::nullopt};
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

/// Reads `1,2,3`.
std::vector<ShopId> shops_of(std::string_view list) {
  std::vector<ShopId> shops;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at < end) {
    std::int64_t id = 0;
    at = std::from_chars(at, end, id).ptr + 1;
    shops.emplace_back(id);
  }
  return shops;
}

}  // namespace

Instant instant_of(const pqxx::field& micros) {
  return Instant{std::chrono::microseconds{micros.as<std::int64_t>()}};
}

Shop shop_of(const pqxx::row& row) {
  Columns columns{row};
  return {.id = ShopId{columns.number()},
          .name = columns.text(),
          .time_zone = columns.text(),
          .version = columns.number()};
}

Product product_of(const pqxx::row& row) {
  Columns columns{row};
  return {.gtin = Gtin::from_number(columns.number()),
          .name = columns.text(),
          .brand = columns.maybe_text(),
          .category = columns.maybe_text(),
          .version = columns.number(),
          .updated_at = columns.instant()};
}

Reading reading_of(const pqxx::row& row) {
  Columns columns{row};
  return {.id = ReadingId{columns.number()},
          .shop = ShopId{columns.number()},
          .gtin = Gtin::from_number(columns.number()),
          .name = columns.text(),
          .product_version = columns.number(),
          .date = columns.shelf_date(),
          .quantity = columns.maybe_number(),
          .version = columns.number(),
          .observed_at = columns.instant(),
          .updated_at = columns.instant()};
}

HistoryEntry event_of(const pqxx::row& row) {
  Columns columns{row};
  return {.event = {.id = columns.uuid(),
                    .kind = parse_event_kind(columns.text()).value(),
                    .date = columns.shelf_date(),
                    .quantity = columns.maybe_number(),
                    .delta = columns.number(),
                    .voids = columns.maybe_uuid(),
                    .observed_at = columns.instant()},
          .reading = ReadingId{columns.number()},
          .received_at = columns.instant(),
          .actor = columns.text(),
          .reason = columns.maybe_text(),
          .outcome = columns.text() == name_of(EventOutcome::applied) ? EventOutcome::applied
                                                                      : EventOutcome::kept,
          .version = columns.number()};
}

Token token_of(const pqxx::row& row) {
  Columns columns{row};
  return {.id = TokenId{columns.number()},
          .name = columns.text(),
          .role = parse_role(columns.text()).value(),
          .shops = shops_of(columns.text()),
          .created_at = columns.instant(),
          .expires_at = columns.maybe_instant()};
}

}  // namespace codasync::storage::postgres
