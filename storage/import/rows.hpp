#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/model/outcome.hpp"
#include "storage/model/reading.hpp"

// What one row of an imported file must be, wherever its fields come from: a CSV file or JSON
// lines. Empty fields are absent ones. Everything here is pure.

namespace codasync::storage {

/// A row that was not imported. Its texts are safe to show.
struct RowRefusal {
  std::size_t line;   // of the file, from 1
  std::string field;  // as in the HTTP API; empty: the row as a whole
  std::string reason;
};

/// A GTIN of 11 digits is most often a UPC-A from a spreadsheet that dropped its first zero, but
/// may as well be a mistyped longer one: 1 of 10 wrong numbers passes the check digit. Whoever
/// knows the file may have the zero restored. Shorter ones stay refused: what they lost is a guess.
enum class LostZeros { refuse, restore };

struct ProductFields {
  std::string_view gtin;
  std::string_view name;
  std::string_view brand;
  std::string_view category;
};

struct ProductRow {
  std::size_t line;
  Gtin gtin;
  std::string name;
  std::optional<std::string> brand;     // nothing: not said, an import leaves it as it is
  std::optional<std::string> category;  // the same
};

/// Returns: the row, or what is wrong with its first bad field. White space around fields is not
/// part of them, and runs of it in texts count as one blank.
Outcome<ProductRow, RowRefusal> product_row(std::size_t line, const ProductFields& fields,
                                            LostZeros lost_zeros);

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
struct ReadingRow {
  std::size_t line;
  ShopId shop;
  Gtin gtin;
  EventKind kind;
  std::optional<ShelfDate> date;
  std::optional<std::int64_t> quantity;
  std::optional<Instant> observed_at;  // nothing: when it arrives
  std::optional<std::string> name;     // creates the product where it is unknown
};

/// Returns: the row, or what is wrong with its first bad field. `kind` is `sighting` when absent; a
/// `count` has a quantity and no date. `adjust`, `remove` and `void` are refused: a file may be
/// imported twice, and they would count twice or hit what was recorded in between. `today` limits
/// the expiry date (is_expiry_date()).
Outcome<ReadingRow, RowRefusal> reading_row(std::size_t line, const ReadingFields& fields,
                                            LostZeros lost_zeros, Date today);

}  // namespace codasync::storage
