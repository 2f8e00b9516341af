#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <vector>

#include "storage/import/columns.hpp"
#include "storage/import/rows.hpp"
#include "storage/model/outcome.hpp"

// Files of suppliers and of other systems, read as a stream in bounded memory: what the limits and
// the recognised columns are stands in README.md of this folder.

namespace codasync::storage {

inline constexpr std::size_t kImportBatchMax = 1'000;

struct ImportCounts {
  std::size_t accepted{0};
  std::size_t refused{0};
  std::uint64_t bytes{0};  // of the file, read so far
};

/// Where an import delivers. All are called on the importing thread, in the order of the file; what
/// they throw ends the import.
template <class Row>
struct ImportSink {
  std::function<void(std::vector<Row>)> batch;  // 1 to kImportBatchMax good rows
  std::function<void(const RowRefusal&)> refused;
  std::function<void(const ImportCounts&)> progress;  // after every kImportBatchMax rows of the
                                                      // file, good or not, and at its end
};

/// Imports a file of products. A GTIN that the file has several times is its last row, with the
/// brand and category of an earlier one where the last says none: within a batch they are merged,
/// between batches the store does it. No batch has a GTIN twice.
///
/// Importing is idempotent: an import that ended early, for whatever reason, is simply run again.
///
/// Returns: the counts, or why the file is none of products. A file that cannot be read to its end
/// is also refused, after what was read has been delivered.
/// Throws: what the sink throws.
Outcome<ImportCounts, FileRefusal> import_products(std::istream& in, LostZeros lost_zeros,
                                                   const ImportSink<ProductRow>& sink);

/// The same for stock readings, one operation for each row, none merged. Rows with `observed_at`
/// say the same however often they are imported; one without is observed when it arrives.
Outcome<ImportCounts, FileRefusal> import_readings(std::istream& in, LostZeros lost_zeros,
                                                   const ImportSink<ReadingRow>& sink);

}  // namespace codasync::storage
