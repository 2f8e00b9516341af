#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/ids.hpp"
#include "storage/options.hpp"
#include "storage/pool_observer.hpp"

namespace codasync::storage {

/// What can be exported. storage/import/README.md says what an import reads back.
enum class ExportKind { products, stock_readings, events };

/// Returns: `products`, `stock-readings` or `events`.
std::string_view name_of(ExportKind kind);

/// A column of an export.
struct ExportColumn {
  enum class Type {
    number,
    plain,  // a text of this program: a GTIN, a date, a kind, an id
    text,   // a text of a user
  };
  std::string_view name;
  Type type;
};

/// Returns: the columns of an export, in order.
std::span<const ExportColumn> columns_of(ExportKind kind);

/// The values of one record, in the order of the columns; nullopt: null.
using ExportRecord = std::vector<std::optional<std::string>>;

/// Records at a time of Export::next().
inline constexpr std::size_t kExportPieceMax = 2'000;

/// All records of one kind, in one snapshot of the database, in a fixed order: products by GTIN,
/// the others by shop and GTIN, events then by `observed_at` and id. The memory does not depend on
/// their number. Threads: one at a time.
class Export {
 public:
  virtual ~Export() = default;

  /// Calls `take` with each record of the next piece; the record is valid during the call.
  /// Returns: false after the last one. Throws: Unavailable; also when the piece before was
  /// read more than kExportPauseMax ago.
  virtual bool next(const std::function<void(const ExportRecord&)>& take) = 0;
};

/// A snapshot delays VACUUM, so an export that is not continued ends after this time.
inline constexpr std::chrono::seconds kExportPauseMax{60};

struct ExportFilter {
  std::vector<ShopId> shops{};  // of readings and events: only these; empty: all
};

/// Exports, at most a fixed number at a time, each with its own connection.
/// Threads: safe concurrently. It outlives its exports.
class Exports {
 public:
  virtual ~Exports() = default;

  /// Begins an export, whose snapshot is of now. Returns: nullptr when the greatest number is in
  /// progress. Throws: Unavailable.
  virtual std::unique_ptr<Export> begin(ExportKind kind, const ExportFilter& filter) = 0;
};

/// Requires: the options are valid; exports_max > 0.
std::unique_ptr<Exports> make_exports(const PostgresOptions& options, std::size_t exports_max,
                                      PoolObserver& observer = no_observer());

}  // namespace codasync::storage
