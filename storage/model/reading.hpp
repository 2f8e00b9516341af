#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/model/event.hpp"
#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"

namespace codasync {

/// A stock reading without what its product's row says.
struct ReadingRow {
  ReadingId id;
  ShopId shop;
  Gtin gtin;
  std::optional<ShelfDate> date;
  std::optional<std::int64_t> quantity;  // nullopt: never counted
  std::int64_t version;                  // from 1, incremented with each change of a shown field
  Instant observed_at;                   // of the event that changed it last
  Instant updated_at;                    // arrival of that event
  std::optional<Instant> checked_at;     // of the newest sighting, check or count
  std::optional<Instant> counted_at;     // of the newest statement of a quantity
  bool expired;                          // the date is before today in the shop's time zone
  // When `expired` becomes true without a write. Null: never, or already. Only queries set it.
  std::optional<Instant> expires_at{};

  /// Returns: whether a customer can buy it, as far as is known.
  [[nodiscard]] bool available() const noexcept { return !expired && quantity != 0; }
};

/// A stock reading as responses show it.
struct Reading : ReadingRow {
  std::string name;  // the product's
  std::int64_t product_version;
};

/// One line of a reading's history.
struct HistoryEntry {
  Event event;
  ReadingId reading;
  Instant received_at;
  TokenId token;      // that wrote it
  std::string actor;  // its name
  std::optional<std::string> reason;
  EventOutcome outcome;
  std::int64_t version;              // of the reading after it
  std::optional<EventId> voided_by;  // nullopt: the event counts
};

}  // namespace codasync
