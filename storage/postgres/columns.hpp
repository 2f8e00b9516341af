#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/result>
#include <string>
#include <vector>

#include "storage/model/catalogue.hpp"
#include "storage/model/reading.hpp"
#include "storage/token.hpp"

// Rows of the tables as values: for each kind, the columns a query has to ask for and the function
// that reads them.

namespace codasync::storage::postgres {

/// Returns: SQL for a timestamp as microseconds since 1970: exact, and independent of the session's
/// settings.
inline std::string micros(const std::string& column) {
  return "(extract(epoch from " + column + ") * 1000000)::bigint";
}

/// Returns: SQL for a date as days since 1970.
inline std::string days(const std::string& column) {
  return "(" + column + " - date '1970-01-01')";
}

Instant instant_of(const pqxx::field& micros);

// The texts are inline, so that they exist before every constant that is made of them.

// Of `shops s`.
inline const std::string kShopColumns = "s.id, s.name, s.time_zone, s.version";
Shop shop_of(const pqxx::row& row);

// Of `products p`.
inline const std::string kProductColumns =
    "p.gtin, p.name, p.brand, p.category, p.version, " + micros("p.updated_at");
Product product_of(const pqxx::row& row);

// Of `stock_readings r` and its product `p`.
inline const std::string kReadingColumns = "r.id, r.shop_id, r.gtin, p.name, p.version, " +
                                           days("r.expiry_date") +
                                           ", r.date_kind, r.quantity, r.version, " +
                                           micros("r.observed_at") + ", " + micros("r.updated_at");
Reading reading_of(const pqxx::row& row);

// Of `stock_events e`.
inline const std::string kEventColumns =
    "e.id, e.kind, " + days("e.expiry_date") +
    ", e.date_kind, e.quantity, coalesce(e.delta, 0), e.voids, " + micros("e.observed_at") +
    ", e.reading_id, " + micros("e.received_at") + ", e.actor, e.reason, e.outcome, e.version";
HistoryEntry event_of(const pqxx::row& row);

// Of `tokens`.
inline const std::string kTokenColumns = "id, name, role, array_to_string(shops, ','), " +
                                         micros("created_at") + ", " + micros("expires_at");
Token token_of(const pqxx::row& row);

}  // namespace codasync::storage::postgres
