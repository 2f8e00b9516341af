#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/import/import.hpp"
#include "storage/import/lots.hpp"
#include "storage/import/record_rules.hpp"

// The kinds of files: parse() makes a row of a record's fields, or says why not; add() stores it;
// take() returns the rows since the last call. Threads: one.

namespace codasync::storage {

using Fields = std::span<const std::string_view>;

struct ProductFile {
  using Row = ProductRow;
  static constexpr auto kKind = ImportKind::products;

  ProductFile(const ColumnPlan& plan, const ImportOptions& options)
      : gtin{plan[ImportField::gtin]},
        name{plan[ImportField::name]},
        brand{plan[ImportField::brand]},
        category{plan[ImportField::category]},
        rules{options.rows} {}

  [[nodiscard]] Outcome<ProductRow, RowRefusal> parse(std::size_t line, Fields fields) const;

  /// Returns: nothing; a product is never refused because of the rows before it.
  std::optional<RowRefusal> add(ProductRow row);

  std::vector<ProductRow> take();

  /// Returns: a question about the rows of the sample; nullopt: none.
  std::optional<std::string> question(std::span<const OwnRecord>, const RecordRules&) const {
    return std::nullopt;
  }

  Column gtin, name, brand, category;
  const RowRules& rules;
  std::size_t repeated{0};

 private:
  std::vector<ProductRow> rows_;
  std::unordered_map<Gtin, std::size_t> positions_;
};

struct ReadingFile {
  using Row = ImportedReading;
  static constexpr auto kKind = ImportKind::readings;

  ReadingFile(const ColumnPlan& plan, const ImportOptions& options)
      : plan_{plan}, options_{options}, lots_{options.lots} {}

  [[nodiscard]] Outcome<ImportedReading, RowRefusal> parse(std::size_t line, Fields fields) const;

  /// Returns: why the row is refused because of the rows before it.
  std::optional<RowRefusal> add(ImportedReading row);

  std::vector<ImportedReading> take() { return std::exchange(rows_, {}); }

  /// Returns: the question whether day and month are swapped, or what several rows of one reading
  /// mean, if the sample has such dates or rows.
  [[nodiscard]] std::optional<std::string> question(std::span<const OwnRecord> sample,
                                                    const RecordRules& rules) const;

  std::size_t repeated{0};

 private:
  [[nodiscard]] std::optional<std::string> question_date_format(
      std::span<const OwnRecord> sample) const;
  [[nodiscard]] std::optional<std::string> question_lots(std::span<const OwnRecord> sample,
                                                         const RecordRules& rules) const;

  const ColumnPlan& plan_;
  const ImportOptions& options_;
  const Date today_{date_of(now())};
  Lots lots_;
  std::vector<ImportedReading> rows_;
};

}  // namespace codasync::storage
