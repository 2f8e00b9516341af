#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/model/reading.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "storage/stock_ledger.hpp"

// The rows a batch works on, as SQL gives and takes them.

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
  bool exists{false};  // in the table, removed or not
  Shelf shelf{};
  std::int64_t version{0};
  Instant observed_at{};
  Instant updated_at{};
  Instant received_at{};  // newest arrival
  std::optional<ProductName> product{};
  std::optional<postgres::RowAddress> at{};  // where it lies while it is locked
  bool touched{false};                       // an event was folded in
  bool changed{false};                       // so that others see it
};

/// An accepted event with what it made of the reading.
struct LedgerLine {
  const StockRow* row;
  Event event;
  Instant received_at;
  TokenId token;
  std::string actor;
  std::optional<std::string> reason;
  EventOutcome outcome;
  std::int64_t version;
  Shelf after;
};

/// An answer to be kept under a client's key.
struct KeptAnswer {
  TokenId token;
  IdempotencyKey key;
  Answer answer;
};

using StockKey = std::pair<std::int64_t, std::int64_t>;  // shop, GTIN: also the order of row locks
using StockRows = std::map<StockKey, StockRow>;

/// Returns: the keys of the rows, as the transaction takes them.
postgres::StockKeys keys_of(const StockRows& rows);

/// Fills in a row as lock_for_write() tells it. Requires: it is about 'reading'.
void load(const pqxx::row& told, StockRow& row);

/// Fills in what a transaction told about the locked readings. Requires: each is one of `rows`.
void load(const pqxx::result& told, StockRows& rows);

/// Fills in the product of rows that have none yet; stays empty where it does not exist.
void load_products(postgres::WriteTransaction& transaction, StockRows& rows);

/// Returns: the product as name_product() will leave it. Requires: its lock is held exclusively.
ProductName next_name(postgres::WriteTransaction& transaction, Gtin gtin, const std::string& name);

/// Creates or renames a product. One that was removed comes back with its name only.
void name_product(postgres::WriteTransaction& transaction, Gtin gtin, const ProductName& product);

/// Returns: those of the shops in `rows` that exist.
std::vector<ShopId> existing_shops(postgres::WriteTransaction& transaction, const StockRows& rows);

/// Returns: all events of a reading that are in the ledger.
std::vector<Event> load_events(postgres::WriteTransaction& transaction, ReadingId reading);

/// Returns: the answers that are kept under these keys.
std::vector<KeptAnswer> load_answers(postgres::WriteTransaction& transaction,
                                     const std::vector<std::pair<TokenId, std::string>>& keys);

/// Gives an id to each row that does not exist. Ids of rows that are not written in the end are
/// lost.
void allocate_ids(postgres::WriteTransaction& transaction, StockRows& rows);

/// Writes rows, ledger and kept answers in one statement.
/// Throws: Conflict when another process was first to create a row or to use a key.
void write(postgres::WriteTransaction& transaction, const StockRows& rows,
           const std::vector<LedgerLine>& ledger, const std::vector<KeptAnswer>& answers);

}  // namespace codasync::storage
