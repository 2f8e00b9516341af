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

Instant instant_of(const pqxx::field& micros);

// Of `shops s`.
extern const std::string kShopColumns;
Shop shop_of(const pqxx::row& row);

// Of `products p`.
extern const std::string kProductColumns;
Product product_of(const pqxx::row& row);

// Of `stock_readings r` and its product `p`.
extern const std::string kReadingColumns;
Reading reading_of(const pqxx::row& row);

// Of `stock_events e`.
extern const std::string kEventColumns;
HistoryEntry event_of(const pqxx::row& row);

// Of `tokens`.
extern const std::string kTokenColumns;
Token token_of(const pqxx::row& row);

}  // namespace codasync::storage::postgres
