#include <algorithm>
#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/import_files.hpp"
#include "api/cli/import_recording.hpp"
#include "api/cli/import_report.hpp"
#include "api/cli/writers.hpp"
#include "api/imports/shops_by_name.hpp"
#include "storage/make_storage.hpp"

namespace codasync::api::cli {
namespace {

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
  Writers writers{settings, request.dry_run ? Writers::Mode::rehearse : Writers::Mode::write};
  const auto import = Uuid::v7(now());
  const ImportTarget target{writers.ledger(), writers.catalogue(), actor_of(import),
                            request.dry_run};
  ImportRecording recording{settings, import, storage::ImportKind::readings, request.dry_run};
  ImportReport report{request.refused, &recording};
  const auto in_flight_max = std::min(kImportInFlightMax, settings.combiner.lane_queue_max);
  auto options = request.options;
  options.rows.shops = shops_by_name(*storage::make_database(settings.postgres));

  const auto import_file = [&](storage::ByteSource& source) -> FileResult {
    ReadingImport run{target, in_flight_max, report};
    const auto result = run.run(source, options);
    const auto done = run.finish();
    const auto& rows = run.rows();
    const auto refused =
        rows.rows() > 0 ? report.finish(details(done, rows.repeated, request.dry_run)) : 0;
    recording.add({.rows = rows.rows(),
                   .refused = refused,
                   .created = done.created,
                   .changed = done.applied - done.created,
                   .unchanged = done.kept + done.duplicates},
                  done.applied + done.kept > 0);
    if (!result) print_refusal(result.error());
    if (done.failed > 0) {
      recording.failed();
      std::cerr << "codasync: the last failure was " << run.failure()
                << "\nRun the import again. Stored rows that have observed_at change nothing.\n";
    }
    return {result && done.failed == 0, done.applied + done.kept + done.duplicates, refused};
  };
  const int status = import_files(request, report, import_file);
  recording.end(status == kFailed ? storage::ImportOutcome::stopped : storage::ImportOutcome::done);
  return status;
}

}  // namespace codasync::api::cli
