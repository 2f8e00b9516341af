#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/outcome.hpp"

namespace codasync::storage {

/// Several columns can hold the same value: a name in each language, most of them empty in a row.
/// GTIN and shop are read from one column only: if a GTIN is empty, the supplier's own number must
/// not be used instead.
enum class Choice { first_filled, preferred_only };

/// The columns of a file that hold one value, the preferred one first.
class Column {
 public:
  /// `names` are header names in lower case with `_` between words, the preferred first; one that
  /// ends in `*` matches every header with that prefix. Headers are compared without regard to
  /// case, spaces and punctuation.
  Column(std::span<const std::string_view> header, std::span<const std::string_view> names,
         Choice choice = Choice::first_filled);

  /// Returns: whether the file has any of them.
  explicit operator bool() const noexcept { return !positions_.empty(); }

  /// Returns: the first field that is not blank, without blanks at its ends; empty when all are
  /// blank. A view into `fields`.
  [[nodiscard]] std::string_view of(std::span<const std::string_view> fields) const;

 private:
  std::vector<std::size_t> positions_;
};

/// Why a file was not imported, or not completely, as a sentence for the user.
struct FileRefusal {
  std::string reason;
};

/// The columns of a file of products.
struct ProductColumns {
  Column gtin;
  Column name;
  Column brand;
  Column category;

  /// Returns: the columns of a file with this header, or why it is not a file of products: it needs
  /// `gtin` and `name`.
  static Outcome<ProductColumns, FileRefusal> recognise(std::span<const std::string_view> header);
};

/// The columns of a file of stock readings.
struct ReadingColumns {
  Column shop;
  Column gtin;
  Column expiry_date;
  Column date_kind;
  Column quantity;
  Column kind;
  Column observed_at;
  Column name;

  /// Returns: the columns of a file with this header, or why it is not a file of readings: it needs
  /// `shop` and `gtin`.
  static Outcome<ReadingColumns, FileRefusal> recognise(std::span<const std::string_view> header);
};

}  // namespace codasync::storage
