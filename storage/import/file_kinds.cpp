#include "storage/import/file_kinds.hpp"

#include <algorithm>
#include <map>

#include "storage/import/cell.hpp"

namespace codasync::storage {
namespace {

/// Returns: whether a row replaces what an earlier one says. Requires: rows of one reading that
/// have a quantity or are checks, in the order of the file.
bool replace_each_other(const std::vector<ImportedReading>& rows) {
  const auto is_check = [](const ImportedReading& row) { return row.kind == EventKind::check; };
  const auto has_quantity = [](const ImportedReading& row) { return row.quantity.has_value(); };
  return std::any_of(rows.begin() + 1, rows.end(), is_check) ||
         std::ranges::count_if(rows, has_quantity) > 1;
}

/// Returns: what a row says about a shelf. A row without a quantity is a check.
std::string described(const ImportedReading& row) {
  if (row.quantity && row.kind != EventKind::check) return std::to_string(*row.quantity);
  const auto date = row.date ? to_string(row.date->date) : std::string{"no date"};
  return row.quantity ? date + " with " + std::to_string(*row.quantity) : date;
}

}  // namespace

Outcome<ProductRow, RowRefusal> ProductFile::parse(std::size_t line, Fields fields) const {
  const auto of = [&](const Column& column) {
    return column ? std::optional{column.of(fields)} : std::nullopt;
  };
  return product_row(line,
                     {.gtin = gtin.of(fields),
                      .name = name.of(fields),
                      .brand = of(brand),
                      .category = of(category)},
                     rules);
}

std::optional<RowRefusal> ProductFile::add(ProductRow row) {
  const auto [known, is_new] = positions_.try_emplace(row.gtin, rows_.size());
  if (is_new) {
    rows_.push_back(std::move(row));
    return std::nullopt;
  }
  ++repeated;
  auto& earlier = rows_[known->second];
  if (!row.brand) row.brand = std::move(earlier.brand);
  if (!row.category) row.category = std::move(earlier.category);
  earlier = std::move(row);
  return std::nullopt;
}

std::vector<ProductRow> ProductFile::take() {
  positions_.clear();
  return std::exchange(rows_, {});
}

Outcome<ImportedReading, RowRefusal> ReadingFile::parse(std::size_t line, Fields fields) const {
  const auto of = [&](ImportField field) { return plan_[field].of(fields); };
  auto row = reading_row(line,
                         {.shop = of(ImportField::shop),
                          .gtin = of(ImportField::gtin),
                          .expiry_date = of(ImportField::expiry_date),
                          .date_kind = of(ImportField::date_kind),
                          .quantity = of(ImportField::quantity),
                          .kind = of(ImportField::kind),
                          .observed_at = of(ImportField::observed_at),
                          .name = of(ImportField::name)},
                         options_.rows, today_);
  // Only an empty field says that nothing is left.
  if (row && row->kind == EventKind::check && !plan_[ImportField::expiry_date]) {
    return RowRefusal{line, "expiry_date",
                      "A check says which date is the earliest on the shelf, and the file has no "
                      "column for it. An empty field of that column says that nothing is left."};
  }
  return row;
}

std::optional<RowRefusal> ReadingFile::add(ImportedReading row) {
  auto refusal = lots_.apply(row);
  repeated = lots_.repeated();
  if (!refusal) rows_.push_back(std::move(row));
  return refusal;
}

std::optional<std::string> ReadingFile::question(std::span<const OwnRecord> sample,
                                                 const RecordRules& rules) const {
  auto format = question_date_format(sample);
  return format ? format : question_lots(sample, rules);
}

/// With day and month in the wrong order, dates up to the 12th would be wrong dates.
std::optional<std::string> ReadingFile::question_date_format(
    std::span<const OwnRecord> sample) const {
  const auto& format = options_.rows.date_format;
  const auto swapped = format ? format->with_day_and_month_swapped() : std::nullopt;
  if (!swapped) return std::nullopt;
  std::size_t dates = 0;
  std::size_t fit = 0;
  std::size_t fit_swapped = 0;
  for (const auto& own : sample) {
    if (own.refusal) continue;
    const auto value = plain_cell(plan_[ImportField::expiry_date].of(own.fields()));
    const bool fits = format->read(value).has_value();
    if (value.empty() || (!fits && parse_iso_date(value))) continue;
    ++dates;
    if (fits) ++fit;
    if (swapped->read(value)) ++fit_swapped;
  }
  if (fit == dates || fit_swapped < dates) return std::nullopt;
  return "Of the first " + std::to_string(dates) + " dates " + std::to_string(dates - fit) +
         " do not have the format " + format->pattern() + ", and all have the format " +
         swapped->pattern() + ". If that is right: --date-format " + swapped->pattern() +
         "; otherwise correct these dates in the file.";
}

std::optional<std::string> ReadingFile::question_lots(std::span<const OwnRecord> sample,
                                                      const RecordRules& rules) const {
  if (options_.lots != LotRule::ask) return std::nullopt;
  constexpr std::size_t kShownMax = 6;
  std::map<std::pair<ShopId, Gtin>, std::vector<ImportedReading>> readings;
  for (const auto& own : sample) {
    const auto record = own.record();
    if (is_blank(record) || rules.refuse(record)) continue;
    auto row = parse(record.line, record.fields);
    if (!row || row->observed_at || (!row->quantity && row->kind != EventKind::check)) continue;
    readings[{row->shop, row->gtin}].push_back(std::move(row).value());
  }
  std::size_t products = 0;
  const std::vector<ImportedReading>* example = nullptr;
  for (const auto& [key, rows] : readings) {
    if (!replace_each_other(rows)) continue;
    ++products;
    if (example == nullptr || rows.front().line < example->front().line) example = &rows;
  }
  if (example == nullptr) return std::nullopt;
  std::int64_t sum = 0;
  std::string lines;
  for (const auto& row : *example) {
    sum += row.quantity.value_or(0);
    const auto number = static_cast<std::size_t>(&row - example->data());
    if (number == kShownMax) lines += ", …";
    if (number >= kShownMax) continue;
    lines += (lines.empty() ? "" : ", ") + std::string{"line "} + std::to_string(row.line) + ": " +
             described(row);
  }
  return "The file has several rows for one product in one shop (" + std::to_string(products) +
         (products == 1 ? " product" : " products") + " in its first rows). For example shop " +
         std::to_string(example->front().shop.value()) + ", GTIN " +
         example->front().gtin.canonical() + " has " + lines + ". If they are lots" +
         (sum > 0 ? " that add up (" + std::to_string(sum) + "), with the earliest date"
                  : ", of which the earliest date counts") +
         ": --lots sum; if the last row counts (" + described(example->back()) +
         "): --lots last; if only the first row is right: --lots refuse.";
}

}  // namespace codasync::storage
