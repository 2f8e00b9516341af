#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/ledger/reading_history.hpp"
#include "storage/model/reading.hpp"

// The data of a batch: the locked rows of readings, and the rows that it writes.

namespace codasync::storage {

/// The columns of a product that a batch needs.
struct ProductName {
  std::string name;
  std::int64_t version;
};

/// A reading's row while its lock is held, or the key of a row that does not exist yet.
struct StockRow {
  ShopId shop;
  Gtin gtin;
  ReadingId id{0};
  std::string row_ctid{};                // where the table has it, as PostgreSQL writes a tid
  bool exists{false};                    // in the table, present or not
  bool shop_exists{false};               // not removed
  std::optional<ProductName> product{};  // nullopt: does not exist, or removed
  std::optional<Date> today{};           // in the shop's time zone; nullopt: no such shop
  std::int64_t version{0};
  Instant observed_at{};
  Instant updated_at{};
  Instant received_at{};  // newest arrival
  FoldState fold{};
  bool touched{false};          // must be written
  bool looks_different{false};  // readers see a difference

  [[nodiscard]] bool present() const noexcept { return fold.shelf.present; }
};

using StockKey = std::pair<std::int64_t, std::int64_t>;  // shop, GTIN: also the order of row locks
using StockRows = std::map<StockKey, StockRow>;

/// An accepted event.
struct LedgerLine {
  const StockRow* row;
  Event event;
  bool named;  // the id is a name (storage/operation_name.hpp)
  Instant received_at;
  TokenId token;
  std::string actor;
  std::optional<std::string> reason;
  EventOutcome outcome;
  std::int64_t version;  // of the reading after it
};

/// A segment of a reading to write, or to delete.
struct SegmentOfRow {
  const StockRow* row;
  Segment segment;
};

/// A stored response with the name and fingerprint of its idempotency key.
struct ResponseRow {
  Uuid name;
  std::array<std::uint8_t, 32> fingerprint;
  std::string response;
};

/// An operation that the ledger already has.
struct KnownOperation {
  ReadingId reading;
  std::optional<Event> event;  // nullopt: older than the floor of the ledger
  bool voided{false};
};

/// The rows of other tables that a batch writes.
struct BatchWrites {
  std::vector<LedgerLine> events{};
  std::vector<SegmentOfRow> segments{};
  std::vector<SegmentOfRow> dropped_segments{};
  std::vector<ResponseRow> responses{};
  bool renamed{false};  // the transaction has changed a product's name
};

}  // namespace codasync::storage
