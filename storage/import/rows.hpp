#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "storage/import/cell.hpp"
#include "storage/import/date_format.hpp"
#include "storage/model/outcome.hpp"
#include "storage/model/reading.hpp"

// The rules for one row of an imported file, independent of its format (CSV, JSON lines). An empty
// field counts as absent. Everything here is pure.

namespace codasync::storage {

/// A row that was not imported. Its texts may be shown to the user.
struct RowRefusal {
  std::size_t line;   // of the file, from 1
  std::string field;  // as in the HTTP API; empty: the row as a whole
  std::string reason;
};

/// A GTIN of 11 digits is most often a UPC-A without its first zero, which a spreadsheet dropped,
/// but it can also be a mistyped longer number: 1 of 10 wrong numbers passes the check digit. So
/// the zero is restored only on request. Shorter numbers are always refused, because their missing
/// digits would be a guess.
enum class LostZeros { refuse, restore };

/// What an empty brand or category of a product means.
enum class EmptyCells { keep, clear };

/// How the fields of a file are written. Default: nothing is guessed.
struct RowRules {
  LostZeros lost_zeros{LostZeros::refuse};
  EmptyCells empty_cells{EmptyCells::keep};
  std::optional<DateFormat> date_format{};  // besides ISO
  std::optional<DecimalMark> decimal_mark{};
  std::optional<ShopId> shop{};                        // of every row
  std::map<std::string, ShopId, std::less<>> shops{};  // by name, for files with names of shops
};

struct ProductFields {
  std::string_view gtin;
  std::string_view name;
  std::optional<std::string_view> brand;     // nullopt: the file has no column for it
  std::optional<std::string_view> category;  // the same
};

struct ProductRow {
  std::size_t line;
  Gtin gtin;
  std::string name;
  std::optional<std::string> brand;  // nullopt: the import does not change it; empty: it clears it
  std::optional<std::string> category;  // the same
};

/// Returns: the row, or the reason and the name of the first invalid field. White space around
/// fields is ignored, and runs of it inside a text become one blank.
Outcome<ProductRow, RowRefusal> product_row(std::size_t line, const ProductFields& fields,
                                            const RowRules& rules);

struct ReadingFields {
  std::string_view shop;
  std::string_view gtin;
  std::string_view expiry_date;
  std::string_view date_kind;
  std::string_view quantity;
  std::string_view kind;
  std::string_view observed_at;
  std::string_view name;
};

/// A sighting, check or count from a file.
struct ImportedReading {
  std::size_t line;
  ShopId shop;
  Gtin gtin;
  EventKind kind;
  std::optional<ShelfDate> date;
  std::optional<std::int64_t> quantity;
  std::optional<Instant> observed_at;  // nullopt: when it arrives
  std::optional<std::string> name;     // creates the product if it is unknown
};

/// Returns: the row, or the reason and the name of the first invalid field. `kind` is `sighting`
/// when absent; a `count` has a quantity and no date. `adjust`, `remove` and `void` are refused: if
/// a file is imported twice, they would count twice or affect events that were recorded in between.
/// `today` limits the expiry date (is_expiry_date()).
Outcome<ImportedReading, RowRefusal> reading_row(std::size_t line, const ReadingFields& fields,
                                                 const RowRules& rules, Date today);

}  // namespace codasync::storage
