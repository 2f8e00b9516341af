#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/import/byte_source.hpp"
#include "storage/import/columns.hpp"
#include "storage/import/file_encoding.hpp"
#include "storage/import/lots.hpp"
#include "storage/import/rows.hpp"
#include "storage/model/outcome.hpp"

// Imports files of suppliers and other systems as a stream, in bounded memory. README.md of this
// folder has the limits, the recognised columns and the rules.

namespace codasync::storage {

inline constexpr std::size_t kImportBatchMax = 1'000;

/// Why a file was not imported, or not completely, as sentences for the user, one on each line.
struct FileRefusal {
  std::string reason;
};

/// How many rows may be refused before the import ends: a number, or a part of all rows.
struct RefusalLimit {
  std::optional<std::uint64_t> rows{};
  std::optional<double> percent{};
};

/// Returns: the limit of a text such as `20` or `5%`; nullopt for any other text.
std::optional<RefusalLimit> parse_refusal_limit(std::string_view text);

struct ImportOptions {
  ColumnOptions columns{};
  RowRules rows{};
  FileEncoding encoding{};
  LotRule lots{LotRule::ask};
  RefusalLimit refused_max{};
};

/// How a file is read. It is delivered before the first row, and before the questions.
struct FilePlan {
  std::string encoding;
  bool compressed{false};
  bool json_lines{false};  // then there is neither a delimiter nor a header
  char delimiter{','};
  std::size_t header_line{1};
  std::vector<std::size_t> lines_before;  // records before the header that are not used
  ColumnPlan columns;
};

struct ImportCounts {
  std::size_t accepted{0};
  std::size_t refused{0};
  /// Of the accepted: rows of a GTIN, or of a reading, that had an earlier row.
  std::size_t repeated{0};
  std::uint64_t bytes{0};  // of the source, read so far

  [[nodiscard]] std::size_t rows() const noexcept { return accepted + refused; }
};

/// The receiver of an import. All functions are called on the importing thread, in the order of the
/// file; an exception of theirs ends the import. What the rows do, or would do, is its business: a
/// dry run is another sink.
template <class Row>
struct ImportSink {
  std::function<void(const FilePlan&)> planned;
  std::function<void(std::vector<Row>)> batch;  // 1 to kImportBatchMax accepted rows
  std::function<void(const RowRefusal&)> refused;
  std::function<void(const ImportCounts&)> progress;  // after every kImportBatchMax rows of the
                                                      // file, accepted or refused, and at its end
  // Returns: how many accepted rows the receiver has refused until now. Null: none.
  std::function<std::size_t()> refused_later{};
};

/// Imports a file of products. If a GTIN occurs several times, its last row wins; an empty brand or
/// category is taken from an earlier row. Within a batch this code merges the rows, between batches
/// the store does. No batch has a GTIN twice.
///
/// Importing is idempotent: an import that ended early can be run again.
///
/// Returns: the counts, or why nothing, or not everything, was imported. A source that cannot be
/// read to its end is refused too, after its readable rows were delivered. Throws: the sink's
/// exceptions.
Outcome<ImportCounts, FileRefusal> import_products(ByteSource& bytes, const ImportOptions& options,
                                                   const ImportSink<ProductRow>& sink);

/// The same for stock readings: one operation per row, without merging. A row with `observed_at`
/// counts once, however often it is imported; a row without it is observed when it arrives.
Outcome<ImportCounts, FileRefusal> import_readings(ByteSource& bytes, const ImportOptions& options,
                                                   const ImportSink<ImportedReading>& sink);

}  // namespace codasync::storage
