#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/import_files.hpp"
#include "api/cli/import_recording.hpp"
#include "api/cli/import_report.hpp"
#include "api/cli/writers.hpp"

namespace codasync::api::cli {
namespace {

std::string details(const storage::CatalogueStore::ImportCounts& counts, std::size_t repeated,
                    bool dry_run) {
  return std::string{dry_run ? "dry run, nothing was written: " : ""} +
         std::to_string(counts.created) + " products created, " + std::to_string(counts.changed) +
         " changed, " + std::to_string(counts.unchanged) + " unchanged" +
         (repeated > 0 ? ", " + std::to_string(repeated) + " rows of a GTIN that came again" : "");
}

}  // namespace

int import_products(const config::Settings& settings, const ImportRequest& request) {
  Writers writers{settings};
  const auto import = Uuid::v7(now());
  const ImportTarget target{writers.ledger(), writers.catalogue(), actor_of(import),
                            request.dry_run};
  ImportRecording recording{settings, import, storage::ImportKind::products, request.dry_run};
  ImportReport report{request.refused, &recording};

  const auto import_file = [&](storage::ByteSource& source) -> FileResult {
    ProductImport run{target, report};
    const auto summarise = [&] {
      const auto& stored = run.stored();
      const auto refused = report.finish(details(stored, run.rows().repeated, request.dry_run));
      recording.add({.rows = run.rows().rows(),
                     .refused = refused,
                     .created = stored.created,
                     .changed = stored.changed,
                     .unchanged = stored.unchanged},
                    stored.created + stored.changed > 0);
      return refused;
    };
    try {
      const auto result = run.run(source, request.options);
      const auto refused = run.rows().rows() > 0 ? summarise() : 0;
      if (!result) print_refusal(result.error());
      return {static_cast<bool>(result), run.rows().accepted, refused};
    } catch (const std::exception&) {
      summarise();
      std::cerr << "The import stopped early. Stored rows stay; run it again to load the rest.\n";
      recording.end(storage::ImportOutcome::failed);
      throw;
    }
  };
  const int status = import_files(request, report, import_file);
  recording.end(status == kFailed ? storage::ImportOutcome::stopped : storage::ImportOutcome::done);
  return status;
}

}  // namespace codasync::api::cli
