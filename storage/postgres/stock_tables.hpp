#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/ledger/rows.hpp"
#include "storage/postgres/write_transaction.hpp"

// Reads and writes the tables of the ledger.

namespace codasync::storage::postgres {

/// Returns: the keys of the rows, for the first message of a write.
StockKeys keys_of(const StockRows& rows);

/// Fills `rows` from the result of begin_write(): locked readings, and shop and product of those
/// that do not exist. Requires: each is in `rows`.
void load(const pqxx::result& read, StockRows& rows);

/// SQL for all readings `r` with their products `p`, with the columns of load() and rows_in().
extern const std::string kReadingRows;

/// Returns: the rows of a query that begins with kReadingRows.
std::vector<StockRow> rows_in(const pqxx::result& read);

/// Returns: the stored responses in the result of begin_write().
std::vector<ResponseRow> responses_in(const pqxx::result& read);

/// Returns: the known operations in the result of begin_write().
std::map<Uuid, KnownOperation> operations_in(const pqxx::result& read);

/// Returns: the voids in the result of begin_write(): the reading and the target of each.
std::set<std::pair<ReadingId, EventId>> voids_in(const pqxx::result& read);

/// The ledger inside a transaction. Throws: see Connection.
class LedgerReader final : public HistorySource {
 public:
  explicit LedgerReader(Connection& connection) : connection_{connection} {}

  std::vector<std::vector<LedgerEvent>> events(const std::vector<EventRange>& ranges) override;
  PlacedSegment segment_at(ReadingId reading, Instant at) override;
  std::vector<Segment> segments_before(ReadingId reading, Instant before,
                                       std::size_t count) override;

  /// Returns: the event of the reading, voids included; nullopt: unknown.
  std::optional<ArrivedEvent> find(ReadingId reading, EventId id);

  /// Returns: all segments of the readings with ids above `after` up to `last`, in their order.
  std::map<std::int64_t, std::vector<Segment>> segments(std::int64_t after, std::int64_t last);

 private:
  Connection& connection_;
};

/// What save_product() will do to the name of a product.
struct NextName {
  ProductName name;         // after it
  bool was_deleted{false};  // so it brings the product back
};

/// Requires: the product's lock is held exclusively.
NextName next_name(WriteTransaction& transaction, Gtin gtin, const std::string& name);

/// Gives an id to each new row.
void allocate_ids(WriteTransaction& transaction, StockRows& rows);

/// Writes the touched rows and all other rows of a batch in one statement. Throws: Conflict when
/// another process created the row or used the name first.
void write(WriteTransaction& transaction, const StockRows& rows, const BatchWrites& writes);

}  // namespace codasync::storage::postgres
