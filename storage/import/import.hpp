#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <vector>

#include "storage/import/columns.hpp"
#include "storage/import/rows.hpp"
#include "storage/model/outcome.hpp"

// Imports files of suppliers and other systems as a stream, in bounded memory. README.md of this
// folder has the limits and the recognised columns.

namespace codasync::storage {

inline constexpr std::size_t kImportBatchMax = 1'000;

struct ImportCounts {
  std::size_t accepted{0};
  std::size_t refused{0};
  std::uint64_t bytes{0};  // of the file, read so far
};

/// The receiver of an import. All functions are called on the importing thread, in the order of the
/// file; an exception of theirs ends the import.
template <class Row>
struct ImportSink {
  std::function<void(std::vector<Row>)> batch;  // 1 to kImportBatchMax accepted rows
  std::function<void(const RowRefusal&)> refused;
  std::function<void(const ImportCounts&)> progress;  // after every kImportBatchMax rows of the
                                                      // file, accepted or refused, and at its end
};

/// Imports a file of products. If a GTIN occurs several times, its last row wins; an empty brand or
/// category is taken from an earlier row. Within a batch this code merges the rows, between batches
/// the store does. No batch has a GTIN twice.
///
/// Importing is idempotent: an import that ended early can be run again.
///
/// Returns: the counts, or why the file is not a file of products. A file that cannot be read to
/// its end is refused too, after its readable rows were delivered. Throws: the sink's exceptions.
Outcome<ImportCounts, FileRefusal> import_products(std::istream& in, LostZeros lost_zeros,
                                                   const ImportSink<ProductRow>& sink);

/// The same for stock readings: one operation per row, without merging. A row with `observed_at`
/// counts once, however often it is imported; a row without it is observed when it arrives.
Outcome<ImportCounts, FileRefusal> import_readings(std::istream& in, LostZeros lost_zeros,
                                                   const ImportSink<ReadingRow>& sink);

}  // namespace codasync::storage
