#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "storage/import/columns.hpp"

// What the first values of a column look like. Everything here is pure.

namespace codasync::storage {

/// Returns: the value of a row in a column, without white space at its ends; empty without one.
std::string_view cell_at(const SampleRow& row, std::size_t position);

/// How many of the values of a column look like something. Empty cells are not counted.
struct Share {
  std::size_t filled{0};
  std::size_t like{0};

  /// Returns: whether at least this part of the values does, from 0 to 1; false without values.
  [[nodiscard]] bool at_least(double part) const {
    return filled > 0 && static_cast<double>(like) >= part * static_cast<double>(filled);
  }
};

/// Returns: how many values of a column `looks` is true for.
Share share_of(std::span<const SampleRow> sample, std::size_t position,
               bool (*looks)(std::string_view));

/// Returns: how many values a column has.
std::size_t count_filled(std::span<const SampleRow> sample, std::size_t position);

/// Returns: whether the value is a GTIN, or one that a spreadsheet damaged in a way that is
/// recognised.
bool is_gtin_or_damaged(std::string_view value);

/// Returns: whether the value is a GTIN of 12 digits or more: shorter numbers pass the check digit
/// by chance.
bool is_long_gtin(std::string_view value);

bool is_whole_number(std::string_view value);
bool has_digit(std::string_view value);

/// Returns: whether the value is a quantity above 1, and so not the 0 or 1 of a column that says
/// yes or no.
bool is_above_one(std::string_view value);

/// Returns: whether the value can be a quantity on a shelf, rather than a price or an id: a whole
/// number of up to six digits.
bool is_small_number(std::string_view value);

}  // namespace codasync::storage
