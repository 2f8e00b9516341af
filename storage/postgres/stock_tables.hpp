#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/ledger/rows.hpp"
#include "storage/postgres/write_transaction.hpp"

// The tables of the ledger, as SQL gives and takes them.

namespace codasync::storage::postgres {

/// Returns: the keys of the rows, as the first message of a write takes them.
StockKeys keys_of(const StockRows& rows);

/// Fills in what a transaction read of the locked readings and of the places of those that do not
/// exist. Requires: each is one of `rows`.
void load(const pqxx::result& read, StockRows& rows);

/// Returns: SQL for all rows of readings `r` with their products `p`, with the columns that load()
/// and rows_in() look for.
extern const std::string kReadingRows;

/// Returns: the rows of a query that begins with kReadingRows.
std::vector<StockRow> rows_in(const pqxx::result& read);

/// Returns: the answers that are kept under the names that the transaction was given.
std::vector<KeptAnswer> answers_in(const pqxx::result& read);

/// Returns: the operations with those names that the ledger has.
std::map<Uuid, KnownOperation> operations_in(const pqxx::result& read);

/// The ledger inside a transaction. Throws: see Connection.
class LedgerReader final : public HistorySource {
 public:
  explicit LedgerReader(Connection& connection) : connection_{connection} {}

  std::vector<std::vector<LedgerEvent>> events(const std::vector<EventRange>& ranges) override;
  PlacedSegment segment_at(ReadingId reading, Instant at) override;
  std::vector<Segment> segments_before(ReadingId reading, Instant before,
                                       std::size_t count) override;

  /// Returns: the event of the reading, a void too, or nothing.
  std::optional<LedgerEvent> find(ReadingId reading, EventId id);

  /// Returns: all segments of the readings with ids above `after` up to `last`, in their order.
  std::map<std::int64_t, std::vector<Segment>> segments(std::int64_t after, std::int64_t last);

 private:
  Connection& connection_;
};

/// Returns: the product as name_product() will leave it. Requires: its lock is held exclusively.
ProductName next_name(WriteTransaction& transaction, Gtin gtin, const std::string& name);

/// Creates or renames a product, in the name of `actor`. One that was removed comes back with its
/// name only.
void name_product(WriteTransaction& transaction, Gtin gtin, const ProductName& product,
                  const Token& actor);

/// Gives an id to each row that is going to be created.
void allocate_ids(WriteTransaction& transaction, StockRows& rows);

/// Writes the touched rows and everything else of a batch in one statement.
/// Throws: Conflict when another process was first to create a row or to use a name.
void write(WriteTransaction& transaction, const StockRows& rows, const BatchWrites& writes);

}  // namespace codasync::storage::postgres
