#include <algorithm>
#include <fstream>
#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/import_report.hpp"
#include "api/cli/reading_writer.hpp"
#include "api/cli/writers.hpp"
#include "storage/operation_name.hpp"

namespace codasync::api::cli {
namespace {

constexpr std::size_t kInFlightMax = 1024;

storage::StockOperation operation_of(storage::ReadingRow row) {
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

}  // namespace

int import_readings(const config::Settings& settings, const ImportSource& source) {
  std::ifstream in{source.file, std::ios::binary};
  ImportReport report{std::filesystem::file_size(source.file), source.refused};
  Writers writers{settings};
  ReadingWriter writer{writers.ledger(), std::min(kInFlightMax, settings.combiner.lane_queue_max)};

  const storage::ImportSink<storage::ReadingRow> sink{
      .batch =
          [&](std::vector<storage::ReadingRow> rows) {
            for (auto& row : rows) {
              const auto line = row.line;
              writer.write(operation_of(std::move(row)),
                           [&report, line](storage::Refused::Why why) {
                             report.refuse(explain(line, why));
                           });
            }
          },
      .refused = [&](const storage::RowRefusal& refusal) { report.refuse(refusal); },
      .progress = [&](const storage::ImportCounts& counts) { report.progress(counts); }};
  const auto result = storage::import_readings(in, source.lost_zeros, sink);
  const auto counts = writer.finish();
  report.finish(
      std::to_string(counts.applied) + " applied, " + std::to_string(counts.kept) +
      " changed nothing, " + std::to_string(counts.duplicates) + " already recorded" +
      (counts.voided > 0 ? " (of these voided: " + std::to_string(counts.voided) + ")" : "") +
      ", " + std::to_string(counts.failed) + " failed");
  if (!result)
    std::cerr << "codasync: " << source.file.string() << ": " << result.error().reason << "\n";
  if (counts.failed > 0) {
    std::cerr << "codasync: the last failure was " << writer.failure()
              << "\nRun the import again. Stored rows that have observed_at change nothing.\n";
  }
  return result && counts.failed == 0 ? kDone : kFailed;
}

}  // namespace codasync::api::cli
