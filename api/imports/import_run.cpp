#include "api/imports/import_run.hpp"

#include <set>
#include <utility>

#include "storage/operation_name.hpp"

namespace codasync::api {
namespace {

using Catalogue = storage::CatalogueStore;

std::vector<Catalogue::ImportedProduct> products_of(std::vector<storage::ProductRow> rows) {
  std::vector<Catalogue::ImportedProduct> products;
  products.reserve(rows.size());
  for (auto& row : rows) {
    products.push_back(
        {row.gtin, std::move(row.name), std::move(row.brand), std::move(row.category)});
  }
  return products;
}

storage::StockOperation operation_of(storage::ImportedReading row, const storage::Token& actor) {
  storage::StockOperation operation{.shop = row.shop, .gtin = row.gtin, .actor = actor};
  operation.may_create = true;
  operation.kind = row.kind;
  operation.date = row.date;
  operation.quantity = row.quantity;
  operation.observed_at = row.observed_at;
  operation.product_name = std::move(row.name);
  // A row with observed_at is the same operation in each import.
  if (row.observed_at)
    operation.name = storage::name_of_row(row.shop, row.gtin,
                                          {.id = {},
                                           .kind = row.kind,
                                           .date = row.date,
                                           .quantity = row.quantity,
                                           .observed_at = *row.observed_at});
  return operation;
}

/// Returns: the field of the row that the ledger refused, and the reason.
storage::RowRefusal explain(std::size_t line, storage::Refused::Why why) {
  using Why = storage::Refused::Why;
  switch (why) {
    case Why::unknown_shop:
      return {line, "shop", "There is no shop with this id."};
    case Why::unknown_product:
      return {line, "GTIN", "There is no product with this GTIN. To create it, fill in the name."};
    case Why::too_old:
      return {line, "observed_at", "The ledger is closed for events of this time."};
    case Why::moment_is_full:
      return {line, "observed_at", "Too many rows of this reading have this time."};
    case Why::token_revoked:
      return {line, "", "The token of the import was revoked."};
    case Why::id_reused:
    case Why::other_shop:
    case Why::not_found:
    case Why::identity_is_fixed:
    case Why::below_zero:
    case Why::above_max:
    case Why::never_counted:
    case Why::precondition_failed:
    case Why::rename_forbidden:
    case Why::unknown_event:
    case Why::event_not_voidable:
    case Why::key_reused:
    case Why::product_deleted:  // an admin brings a product back
    case Why::event_of_another:
    case Why::void_too_late:
      break;  // a row of a file cannot cause these
  }
  return {line, "", "The row does not match the recorded data."};
}

/// Returns: the products that the rows name, each once, by the first row.
std::vector<Catalogue::ImportedProduct> named_products(
    const std::vector<storage::ImportedReading>& rows) {
  std::vector<Catalogue::ImportedProduct> products;
  std::set<Gtin> seen;
  for (const auto& row : rows) {
    if (row.name && seen.insert(row.gtin).second)
      products.push_back({row.gtin, *row.name, std::nullopt, std::nullopt});
  }
  return products;
}

}  // namespace

Outcome<storage::ImportCounts, storage::FileRefusal> ProductImport::run(
    storage::ByteSource& source, const storage::ImportOptions& options) {
  return storage::import_products(
      source, options,
      {.planned = [this](const storage::FilePlan& plan) { receiver_.plan(plan); },
       .batch = [this](std::vector<storage::ProductRow> rows) { take(std::move(rows)); },
       .refused = [this](const storage::RowRefusal& refusal) { receiver_.refuse(refusal); },
       .progress =
           [this](const storage::ImportCounts& counts) {
             rows_ = counts;
             receiver_.progress(counts);
           }});
}

void ProductImport::take(std::vector<storage::ProductRow> rows) {
  if (!std::exchange(begun_, true)) receiver_.begin();
  const auto products = products_of(std::move(rows));
  if (target_.dry_run) {
    std::size_t created = 0;
    const auto differences = target_.catalogue.compare_products(products);
    for (const auto& difference : differences) {
      if (!difference.before) ++created;
      receiver_.change(difference);
    }
    stored_.created += created;
    stored_.changed += differences.size() - created;
    stored_.unchanged += products.size() - differences.size();
    return;
  }
  const auto written = target_.catalogue.import_products(products, target_.actor);
  stored_.created += written.created;
  stored_.changed += written.changed;
  stored_.unchanged += written.unchanged;
  if (written.token_revoked) throw TokenRevoked{};
}

Outcome<storage::ImportCounts, storage::FileRefusal> ReadingImport::run(
    storage::ByteSource& source, const storage::ImportOptions& options) {
  return storage::import_readings(
      source, options,
      {.planned = [this](const storage::FilePlan& plan) { receiver_.plan(plan); },
       .batch = [this](std::vector<storage::ImportedReading> rows) { take(std::move(rows)); },
       .refused = [this](const storage::RowRefusal& refusal) { receiver_.refuse(refusal); },
       .progress =
           [this](const storage::ImportCounts& counts) {
             rows_ = counts;
             receiver_.progress(counts);
           },
       .refused_later = [this] { return writer_.refused(); }});
}

/// A refused row creates no product, so a new product is shown with the first row that is accepted.
void ReadingImport::show(std::size_t line, const storage::Written& written) noexcept {
  std::map<Gtin, Catalogue::ProductDifference>::node_type created;
  {
    const MutexLock hold{mutex_};
    created = new_products_.extract(written.reading.gtin);
  }
  if (created) receiver_.change(created.mapped());
  receiver_.change(line, written);
}

void ReadingImport::take(std::vector<storage::ImportedReading> rows) {
  if (!std::exchange(begun_, true)) receiver_.begin();
  if (target_.dry_run) {
    for (auto& difference : target_.catalogue.compare_products(named_products(rows))) {
      if (difference.before) continue;
      const MutexLock hold{mutex_};
      new_products_.try_emplace(difference.gtin, std::move(difference));
    }
  }
  for (auto& row : rows) {
    const auto line = row.line;
    ReadingWriter::OnWritten written;
    if (target_.dry_run) {
      written = [this, line](const storage::Written& result) { show(line, result); };
    }
    writer_.write(
        operation_of(std::move(row), target_.actor),
        [this, line](storage::Refused::Why why) { receiver_.refuse(explain(line, why)); },
        std::move(written));
  }
  if (writer_.token_revoked()) throw TokenRevoked{};
}

}  // namespace codasync::api
