#include "storage/import/import.hpp"

#include <algorithm>
#include <span>
#include <unordered_map>
#include <utility>

#include "storage/import/csv_reader.hpp"

namespace codasync::storage {
namespace {

using Fields = std::span<const std::string_view>;

Outcome<ProductRow, RowRefusal> row_of(const ProductColumns& columns, std::size_t line,
                                       Fields fields, LostZeros lost_zeros) {
  return product_row(line,
                     {.gtin = columns.gtin.of(fields),
                      .name = columns.name.of(fields),
                      .brand = columns.brand.of(fields),
                      .category = columns.category.of(fields)},
                     lost_zeros);
}

Outcome<ReadingRow, RowRefusal> row_of(const ReadingColumns& columns, std::size_t line,
                                       Fields fields, LostZeros lost_zeros) {
  return reading_row(line,
                     {.shop = columns.shop.of(fields),
                      .gtin = columns.gtin.of(fields),
                      .expiry_date = columns.expiry_date.of(fields),
                      .date_kind = columns.date_kind.of(fields),
                      .quantity = columns.quantity.of(fields),
                      .kind = columns.kind.of(fields),
                      .observed_at = columns.observed_at.of(fields),
                      .name = columns.name.of(fields)},
                     lost_zeros, date_of(now()));
}

/// Accepted rows that the sink has not received yet.
class ProductBatch {
 public:
  void add(ProductRow row) {
    const auto [known, is_new] = positions_.try_emplace(row.gtin, rows_.size());
    if (is_new) {
      rows_.push_back(std::move(row));
      return;
    }
    auto& earlier = rows_[known->second];
    if (!row.brand) row.brand = std::move(earlier.brand);
    if (!row.category) row.category = std::move(earlier.category);
    earlier = std::move(row);
  }

  std::vector<ProductRow> take() {
    positions_.clear();
    return std::exchange(rows_, {});
  }

 private:
  std::vector<ProductRow> rows_;
  std::unordered_map<Gtin, std::size_t> positions_;
};

class ReadingBatch {
 public:
  void add(ReadingRow row) { rows_.push_back(std::move(row)); }
  std::vector<ReadingRow> take() { return std::exchange(rows_, {}); }

 private:
  std::vector<ReadingRow> rows_;
};

/// Spreadsheets write empty rows as separators only.
bool is_blank(const CsvRecord& record) {
  return !record.refusal && std::ranges::all_of(record.fields, &std::string_view::empty);
}

/// More fields than columns: a name contains the separator without quotes, so every field after it
/// is in the wrong column. Empty fields at the end are harmless.
bool has_stray_fields(Fields fields, std::size_t columns) {
  return fields.size() > columns &&
         !std::ranges::all_of(fields.subspan(columns), &std::string_view::empty);
}

template <class Row, class Columns>
Outcome<Row, RowRefusal> row_of_record(const CsvRecord& record, const Columns& columns,
                                       std::size_t column_count, LostZeros lost_zeros) {
  if (record.refusal) return RowRefusal{record.line, "", std::string{explain(*record.refusal)}};
  if (has_stray_fields(record.fields, column_count)) {
    return RowRefusal{record.line, "",
                      "The row has more fields than the file has columns; a text that contains the "
                      "separator belongs in quotation marks."};
  }
  return row_of(columns, record.line, record.fields, lost_zeros);
}

template <class Row, class Columns, class Batch>
Outcome<ImportCounts, FileRefusal> import_file(std::istream& in, LostZeros lost_zeros,
                                               const ImportSink<Row>& sink) {
  CsvReader reader{in};
  const auto* record = reader.next();
  if (record == nullptr) return FileRefusal{"The file is empty."};
  if (record->refusal) {
    return FileRefusal{"The first line: " + std::string{explain(*record->refusal)}};
  }
  const auto columns = Columns::recognise(record->fields);
  if (!columns) return columns.error();
  const auto column_count = record->fields.size();

  ImportCounts counts;
  Batch batch;
  const auto deliver = [&] {
    counts.bytes = reader.source().bytes_read();
    if (auto rows = batch.take(); !rows.empty()) sink.batch(std::move(rows));
    sink.progress(counts);
  };
  while ((record = reader.next()) != nullptr) {
    if (is_blank(*record)) continue;
    auto row = row_of_record<Row>(*record, *columns, column_count, lost_zeros);
    if (row) {
      ++counts.accepted;
      batch.add(std::move(row).value());
    } else {
      ++counts.refused;
      sink.refused(row.error());
    }
    if ((counts.accepted + counts.refused) % kImportBatchMax == 0) deliver();
  }
  deliver();
  if (reader.source().failed()) {
    return FileRefusal{"The file could not be read to its end. Import it again."};
  }
  return counts;
}

}  // namespace

Outcome<ImportCounts, FileRefusal> import_products(std::istream& in, LostZeros lost_zeros,
                                                   const ImportSink<ProductRow>& sink) {
  return import_file<ProductRow, ProductColumns, ProductBatch>(in, lost_zeros, sink);
}

Outcome<ImportCounts, FileRefusal> import_readings(std::istream& in, LostZeros lost_zeros,
                                                   const ImportSink<ReadingRow>& sink) {
  return import_file<ReadingRow, ReadingColumns, ReadingBatch>(in, lost_zeros, sink);
}

}  // namespace codasync::storage
