#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <pqxx/result>
#include <string>
#include <vector>

#include "storage/model/catalogue.hpp"
#include "storage/model/reading.hpp"
#include "storage/reader.hpp"
#include "storage/token.hpp"

// Rows of the tables as values: for each type, the columns that a query must select and the
// function that reads them.

namespace codasync::storage::postgres {

/// Returns: SQL for a timestamp as microseconds since 1970: exact, and independent of the session's
/// settings.
inline std::string micros(const std::string& column) { return "micros_of(" + column + ")"; }

/// Returns: SQL for a date as days since 1970.
inline std::string days(const std::string& column) {
  return "(" + column + " - date '1970-01-01')";
}

// Single fields. Null becomes nullopt.
Instant instant_of(const pqxx::field& micros);
std::optional<Instant> optional_instant(const pqxx::field& micros);
std::optional<std::int64_t> optional_number(const pqxx::field& number);
std::optional<std::string> optional_text(const pqxx::field& text);
std::optional<ShelfDate> shelf_date_of(const pqxx::field& days, const pqxx::field& kind);
EventKind event_kind_of(const pqxx::field& code);
std::vector<std::int64_t> numbers_of_list(const pqxx::field& list);  // of `1,2,3`
std::array<std::uint8_t, 32> fingerprint_of(const pqxx::field& hex);

/// Returns: a hash as the text of a bytea, for a parameter.
std::string bytea(const TokenHash& hash);

/// Returns: the one-letter code in the tables.
char code_of(DateKind kind);
char code_of(EventKind kind);

// The texts are inline, so that they are initialised before the constants that use them.

/// The beginning of a query that uses `z.today`, the current day in a shop's time zone, of `zones
/// z`. It is computed once for each zone.
inline const std::string kToday =
    "with zones as materialized (select time_zone, day_in(time_zone, now()) as today from"
    " (select distinct time_zone from shops) known) ";

// Of `shops s`.
inline const std::string kShopColumns =
    "s.id, s.name, s.time_zone, s.version, " + micros("s.updated_at");
Shop shop_of(const pqxx::row& row);

// Of `products p`.
inline const std::string kProductColumns =
    "p.gtin, p.name, p.brand, p.category, p.version, " + micros("p.updated_at");
Product product_of(const pqxx::row& row);

// Of `stock_readings r`. now(), as in kToday: a row and the filter that found it agree about the
// day. `expires`: SQL for the end of the expiry date, in microseconds.
inline std::string reading_row_columns(const std::string& expires) {
  return "r.id, r.shop_id, r.gtin, " + days("r.expiry_date") +
         ", r.date_kind, r.quantity, r.version, " + micros("r.observed_at") + ", " +
         micros("r.updated_at") + ", " + micros("r.looked_at") +
         ", case when r.quantity is not null then " + micros("r.quantity_since") + " end, " +
         expires + ", " + micros("now()");
}
inline const std::string kReadingRowColumns = reading_row_columns(
    micros("end_of_day(r.expiry_date, (select time_zone from shops where id = r.shop_id))"));

// Of `stock_readings r` and its product `p`.
inline const std::string kReadingColumns = kReadingRowColumns + ", p.name, p.version";
Reading reading_of(const pqxx::row& row);

// Of `rows_of()`: the columns of a shop, of a product and of a reading, two of which are null.
void add_row(const pqxx::row& row, Rows& rows);

// Of `stock_events e` and the void `v` of each, if any.
inline const std::string kEventColumns =
    "e.id, e.kind, " + days("e.expiry_date") +
    ", e.date_kind, e.quantity, coalesce(e.delta, 0), e.voids, " + micros("e.observed_at") +
    ", e.reading_id, " + micros("e.received_at") +
    ", e.token_id, e.actor, e.reason, e.outcome, e.version, v.id";
inline const std::string kEventTables =
    "stock_events e left join lateral (select v.id from stock_voids v"
    " where v.reading_id = e.reading_id and v.target = e.id limit 1) v on true";
HistoryEntry event_of(const pqxx::row& row);

// Of `audit`.
inline const std::string kAuditColumns =
    "id, " + micros("at") + ", token_id, actor, action, subject, subject_id, before, after";
AuditEntry audit_entry_of(const pqxx::row& row);

// Of `imports`.
inline const std::string kImportColumns =
    "id, kind, token_id, actor, " + micros("started_at") + ", " + micros("ended_at") +
    ", outcome, rows, refused, created, changed, unchanged, " + micros("undone_at");
ImportRecord import_of(const pqxx::row& row);

// Of `tokens`. The second: of those that are in force.
inline const std::string kTokenColumns =
    "id, name, role, coalesce(array_to_string(shops, ','), ''), " + micros("created_at") + ", " +
    micros("expires_at") + ", person, " + micros("last_used_at");
inline const std::string kTokenIsValid =
    "revoked_at is null and (expires_at is null or expires_at > clock_timestamp())";
Token token_of(const pqxx::row& row);

}  // namespace codasync::storage::postgres
