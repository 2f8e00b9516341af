#pragma once

#include <cstddef>
#include <map>

#include "api/imports/reading_writer.hpp"
#include "storage/catalogue_store.hpp"
#include "storage/import/import.hpp"
#include "storage/mutex.hpp"

// The import of one file, for the command line and over HTTP: what the rows do.

namespace codasync::api {

/// How many changes a dry run shows; it counts all.
inline constexpr std::size_t kImportChangesShown = 100;

/// Receives what an import does with a file, or in a dry run would do. An exception ends the
/// import.
class ImportReceiver {
 public:
  virtual ~ImportReceiver() = default;

  // Threads: the importing one.
  virtual void plan(const storage::FilePlan& plan) = 0;
  /// Before the first row is compared or written.
  virtual void begin() = 0;
  virtual void progress(const storage::ImportCounts& counts) = 0;

  // Threads: any, several at a time. Must not throw.
  /// A dry run only.
  virtual void change(const storage::CatalogueStore::ProductDifference& difference) noexcept = 0;
  virtual void refuse(const storage::RowRefusal& refusal) noexcept = 0;
  /// A dry run only, for an accepted row.
  virtual void change(std::size_t line, const storage::Written& written) noexcept = 0;
};

/// Where an import writes. All outlive it.
struct ImportTarget {
  storage::StockLedger& ledger;  // of stock readings; in a dry run a make_rehearsal()
  storage::CatalogueStore& catalogue;
  storage::Token actor;  // with the id of the import (storage/import_trail.hpp)
  bool dry_run;
};

/// The token was revoked while its import ran. What was written before stays.
struct TokenRevoked {};

/// One file of products. Threads: one.
class ProductImport {
 public:
  ProductImport(const ImportTarget& target, ImportReceiver& receiver)
      : target_{target}, receiver_{receiver} {}

  /// Returns: the rows; or why nothing, or not everything, was imported. Throws: TokenRevoked;
  /// Unavailable and InDoubt of the store; exceptions of the receiver. Stored rows stay.
  Outcome<storage::ImportCounts, storage::FileRefusal> run(storage::ByteSource& source,
                                                           const storage::ImportOptions& options);

  // Until now, also after an exception.
  [[nodiscard]] const storage::ImportCounts& rows() const noexcept { return rows_; }
  [[nodiscard]] const storage::CatalogueStore::ImportCounts& stored() const noexcept {
    return stored_;
  }

 private:
  void take(std::vector<storage::ProductRow> rows);

  const ImportTarget& target_;
  ImportReceiver& receiver_;
  storage::ImportCounts rows_;
  storage::CatalogueStore::ImportCounts stored_;
  bool begun_{false};
};

/// One file of stock readings. Threads: one.
class ReadingImport {
 public:
  /// `in_flight_max`: operations that the ledger has at a time, more than 0.
  ReadingImport(const ImportTarget& target, std::size_t in_flight_max, ImportReceiver& receiver)
      : target_{target}, receiver_{receiver}, writer_{target.ledger, in_flight_max, target.actor} {}

  /// As ProductImport::run().
  Outcome<storage::ImportCounts, storage::FileRefusal> run(storage::ByteSource& source,
                                                           const storage::ImportOptions& options);

  [[nodiscard]] const storage::ImportCounts& rows() const noexcept { return rows_; }
  /// Waits for the ledger. Returns: what became of the rows, also after an exception.
  ReadingWriter::Counts finish() { return writer_.finish(); }
  /// Returns: the cause of the last failure of the ledger; empty: none.
  [[nodiscard]] std::string failure() { return writer_.failure(); }

 private:
  void take(std::vector<storage::ImportedReading> rows);
  void show(std::size_t line, const storage::Written& written) noexcept;

  const ImportTarget& target_;
  ImportReceiver& receiver_;
  storage::ImportCounts rows_;
  bool begun_{false};
  Mutex mutex_;
  // Of a dry run: products that an accepted row would create, until they are shown.
  std::map<Gtin, storage::CatalogueStore::ProductDifference> new_products_
      CODASYNC_GUARDED_BY(mutex_);
  ReadingWriter writer_;  // its callbacks use the receiver
};

}  // namespace codasync::api
