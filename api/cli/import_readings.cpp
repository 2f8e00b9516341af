#include <algorithm>
#include <iostream>
#include <set>

#include "api/cli/commands.hpp"
#include "api/cli/describe.hpp"
#include "api/cli/import_files.hpp"
#include "api/cli/import_report.hpp"
#include "api/cli/reading_writer.hpp"
#include "api/cli/shops_by_name.hpp"
#include "api/cli/writers.hpp"
#include "storage/import_trail.hpp"
#include "storage/operation_name.hpp"

namespace codasync::api::cli {
namespace {

constexpr std::size_t kInFlightMax = 1024;

storage::StockOperation operation_of(storage::ImportedReading row) {
  storage::StockOperation operation{.shop = row.shop, .gtin = row.gtin, .actor = command_line()};
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
    case Why::id_reused:
    case Why::other_shop:
    case Why::not_found:
    case Why::below_zero:
    case Why::above_max:
    case Why::never_counted:
    case Why::precondition_failed:
    case Why::rename_forbidden:
    case Why::unknown_event:
    case Why::event_not_voidable:
    case Why::key_reused:
    case Why::token_revoked:
      break;  // a row of a file cannot cause these
  }
  return {line, "", "The row does not match the recorded data."};
}

/// Returns: the products that the rows name, each once, by the first row.
std::vector<storage::CatalogueStore::ImportedProduct> named_products(
    const std::vector<storage::ImportedReading>& rows) {
  std::vector<storage::CatalogueStore::ImportedProduct> products;
  std::set<Gtin> seen;
  for (const auto& row : rows) {
    if (row.name && seen.insert(row.gtin).second)
      products.push_back({row.gtin, *row.name, std::nullopt, std::nullopt});
  }
  return products;
}

std::string details(const ReadingWriter::Counts& counts, std::size_t repeated, bool dry_run) {
  return std::string{dry_run ? "dry run, nothing was written: " : ""} +
         std::to_string(counts.applied) + " applied, " + std::to_string(counts.kept) +
         " changed nothing, " + std::to_string(counts.duplicates) + " already recorded" +
         (counts.voided > 0 ? " (of these voided: " + std::to_string(counts.voided) + ")" : "") +
         (repeated > 0 ? ", " + std::to_string(repeated) + " further lots" : "") + ", " +
         std::to_string(counts.failed) + " failed";
}

}  // namespace

int import_readings(const config::Settings& settings, const ImportRequest& request) {
  ImportReport report{request.refused};
  Writers writers{settings, request.dry_run ? Writers::Mode::rehearse : Writers::Mode::write};
  const auto import = Uuid::v7(now());
  const auto actor = command_line(storage::actor_of_import(kCommandLine, import));
  auto options = request.options;
  options.rows.shops = shops_by_name(settings);
  bool wrote = false;

  const auto import_file = [&](storage::ByteSource& source) -> FileResult {
    ReadingWriter writer{writers.ledger(), std::min(kInFlightMax, settings.combiner.lane_queue_max),
                         actor};
    storage::ImportCounts counts;
    const storage::ImportSink<storage::ImportedReading> sink{
        .planned = [&](const storage::FilePlan& plan) { report.plan(plan); },
        .batch =
            [&](std::vector<storage::ImportedReading> rows) {
              if (request.dry_run) {
                for (const auto& difference :
                     writers.catalogue().compare_products(named_products(rows))) {
                  if (!difference.before) report.change(describe(difference));
                }
              }
              for (auto& row : rows) {
                const auto line = row.line;
                ReadingWriter::OnWritten written;
                if (request.dry_run) {
                  written = [&report, line](const storage::Written& result) {
                    if (const auto text = describe(result))
                      report.change("line " + std::to_string(line) + ": " + *text);
                  };
                }
                writer.write(
                    operation_of(std::move(row)),
                    [&report, line](storage::Refused::Why why) {
                      report.refuse(explain(line, why));
                    },
                    std::move(written));
              }
            },
        .refused = [&](const storage::RowRefusal& refusal) { report.refuse(refusal); },
        .progress =
            [&](const storage::ImportCounts& now) {
              counts = now;
              report.progress(now);
            },
        .refused_later = [&] { return writer.refused(); }};
    const auto result = storage::import_readings(source, options, sink);
    const auto done = writer.finish();
    const auto events = done.applied + done.kept;
    wrote = wrote || (!request.dry_run && events > 0);
    const auto refused =
        counts.rows() > 0 ? report.finish(details(done, counts.repeated, request.dry_run)) : 0;
    if (!result) print_refusal(result.error());
    if (done.failed > 0) {
      std::cerr << "codasync: the last failure was " << writer.failure()
                << "\nRun the import again. Stored rows that have observed_at change nothing.\n";
    }
    return {result && done.failed == 0, events + done.duplicates, refused};
  };
  const int status = import_files(request, report, import_file);
  if (wrote) print_import_id(import);
  return status;
}

}  // namespace codasync::api::cli
