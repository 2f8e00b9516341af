#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/import/rows.hpp"

namespace codasync::storage {

/// What to do with several rows of one product in one shop, of which one would replace the other.
/// Files of other systems have a row for each lot; a reading has one quantity and one date.
enum class LotRule {
  ask,     // refuse the file, or the row, with the question
  sum,     // the quantity is the sum of the rows, the date the earliest
  last,    // the last row counts
  refuse,  // the first row counts
};

std::optional<LotRule> parse_lot_rule(std::string_view name);

/// Finds the rows of a file that have the same shop and GTIN, and a quantity, or are checks. Those
/// with observed_at are observations of their own times and are not compared. Memory: 16 bytes and
/// an entry of a hash table for each reading of the file. Threads: one at a time.
class Lots {
 public:
  explicit Lots(LotRule rule) : rule_{rule} {}

  /// Different readings of such rows in one file, without observed_at.
  static constexpr std::size_t kReadingsMax = 2'000'000;

  /// Changes the quantity and the date of a row that is not the first of its reading.
  /// Returns: why the row is refused; nullopt: it is not.
  std::optional<RowRefusal> apply(ImportedReading& row);

  /// Returns: the number of rows that were not the first of their reading.
  [[nodiscard]] std::size_t repeated() const noexcept { return repeated_; }

 private:
  struct Known {
    std::uint32_t quantity;     // of the rows until now, added up; kNone: none has one
    std::uint16_t days{0};      // since 2000-01-01, plus 1; 0: no date
    std::uint8_t date_kind{0};  // plus 1; 0: not known
  };

  const LotRule rule_;
  std::unordered_map<std::uint64_t, Known> known_;
  std::size_t repeated_{0};
};

}  // namespace codasync::storage
