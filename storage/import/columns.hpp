#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/outcome.hpp"

namespace codasync::storage {

/// Several columns may hold one thing: a name in each language, most of them empty in a given row.
/// What says which row this is comes from one column only: an empty GTIN is no reason to take the
/// supplier's own number for one.
enum class Choice { first_filled, preferred_only };

/// The columns of a file that hold one thing, the preferred first.
class Column {
 public:
  /// `names` are header names in lower case with `_` between words, the preferred first; one that
  /// ends in `*` stands for all that start so. Headers are compared without regard to case, spaces
  /// and punctuation.
  Column(std::span<const std::string_view> header, std::span<const std::string_view> names,
         Choice choice = Choice::first_filled);

  /// Returns: whether the file has any of them.
  explicit operator bool() const noexcept { return !positions_.empty(); }

  /// Returns: the first of its fields that is not blank, without blanks at its ends; empty when
  /// there is none. A view into `fields`.
  [[nodiscard]] std::string_view of(std::span<const std::string_view> fields) const;

 private:
  std::vector<std::size_t> positions_;
};

/// Nothing could be imported, or not all: why, as a sentence for the person who sent the file.
struct FileRefusal {
  std::string reason;
};

/// What a file of products is made of.
struct ProductColumns {
  Column gtin;
  Column name;
  Column brand;
  Column category;

  /// Returns: the columns of a file with this header, or why it is none of products: it needs
  /// `gtin` and `name`.
  static Outcome<ProductColumns, FileRefusal> recognise(std::span<const std::string_view> header);
};

/// What a file of stock readings is made of.
struct ReadingColumns {
  Column shop;
  Column gtin;
  Column expiry_date;
  Column date_kind;
  Column quantity;
  Column kind;
  Column observed_at;
  Column name;

  /// Returns: the columns of a file with this header, or why it is none of readings: it needs
  /// `shop` and `gtin`.
  static Outcome<ReadingColumns, FileRefusal> recognise(std::span<const std::string_view> header);
};

}  // namespace codasync::storage
