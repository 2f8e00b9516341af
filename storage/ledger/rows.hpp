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

// What a batch works on: rows of readings whose locks it holds, and what it is going to write.

namespace codasync::storage {

/// What a batch needs to know of a product.
struct ProductName {
  std::string name;
  std::int64_t version;
};

/// A reading's row while its lock is held, or the place of one that does not exist yet.
struct StockRow {
  ShopId shop;
  Gtin gtin;
  ReadingId id{0};
  bool exists{false};                    // in the table, present or not
  bool shop_exists{false};               // and was not removed
  std::optional<ProductName> product{};  // nothing: there is none, or it was removed
  std::int64_t version{0};
  Instant observed_at{};
  Instant updated_at{};
  Instant received_at{};  // newest arrival
  FoldState fold{};
  bool touched{false};          // it has to be written
  bool looks_different{false};  // so that readers see it

  [[nodiscard]] bool present() const noexcept { return fold.shelf.present; }
};

using StockKey = std::pair<std::int64_t, std::int64_t>;  // shop, GTIN: also the order of row locks
using StockRows = std::map<StockKey, StockRow>;

/// An accepted event.
struct LedgerLine {
  const StockRow* row;
  Event event;
  bool named;  // its id is a name
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

/// What a client was told, kept under the name of its idempotency key.
struct KeptAnswer {
  Uuid name;
  std::array<std::uint8_t, 32> fingerprint;
  std::string answer;
};

/// An operation that the ledger has already.
struct KnownOperation {
  ReadingId reading;
  std::optional<Event> event;  // nothing: it is older than the floor of the ledger
  bool voided{false};
};

/// Everything that a batch writes besides its rows.
struct BatchWrites {
  std::vector<LedgerLine> events{};
  std::vector<SegmentOfRow> segments{};
  std::vector<SegmentOfRow> dropped_segments{};
  std::vector<KeptAnswer> answers{};
};

}  // namespace codasync::storage
