#pragma once

#include <cstdint>
#include <string>

#include "api/body.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::api::readings {

/// The fields that describe the shelf.
struct Observation {
  Field<std::string> kind;
  Field<Date> expiry_date;
  Field<std::string> date_kind;
  Field<std::int64_t> quantity;

  /// Returns: whether the client sent any of them.
  [[nodiscard]] bool given() const {
    return expiry_date.given || date_kind.given || quantity.given || kind.given;
  }
};

/// Reads the fields besides `kind`, which was read before: sighting, check, count or absent.
/// `scanned`: the date of codes in the body; a count has no use for it.
Observation read_observation(Body& fields, const Field<std::string>& kind,
                             const std::optional<ShelfDate>& scanned = std::nullopt);

/// Sets kind, date and quantity of the operation.
void apply(const Observation& seen, storage::StockOperation& operation);

}  // namespace codasync::api::readings
