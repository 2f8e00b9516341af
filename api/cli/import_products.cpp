#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/describe.hpp"
#include "api/cli/import_files.hpp"
#include "api/cli/import_report.hpp"
#include "api/cli/writers.hpp"
#include "storage/import_trail.hpp"

namespace codasync::api::cli {
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

std::string details(const Catalogue::ImportCounts& counts, std::size_t repeated, bool dry_run) {
  return std::string{dry_run ? "dry run, nothing was written: " : ""} +
         std::to_string(counts.created) + " products created, " + std::to_string(counts.changed) +
         " changed, " + std::to_string(counts.unchanged) + " unchanged" +
         (repeated > 0 ? ", " + std::to_string(repeated) + " rows of a GTIN that came again" : "");
}

}  // namespace

int import_products(const config::Settings& settings, const ImportRequest& request) {
  ImportReport report{request.refused};
  Writers writers{settings};
  const auto import = Uuid::v7(now());
  const auto actor = command_line(storage::actor_of_import(kCommandLine, import));
  bool wrote = false;

  const auto import_file = [&](storage::ByteSource& source) -> FileResult {
    Catalogue::ImportCounts stored;
    storage::ImportCounts counts;
    const storage::ImportSink<storage::ProductRow> sink{
        .planned = [&](const storage::FilePlan& plan) { report.plan(plan); },
        .batch =
            [&](std::vector<storage::ProductRow> rows) {
              const auto products = products_of(std::move(rows));
              if (request.dry_run) {
                std::size_t created = 0;
                const auto differences = writers.catalogue().compare_products(products);
                for (const auto& difference : differences) {
                  if (!difference.before) ++created;
                  report.change(describe(difference));
                }
                stored.created += created;
                stored.changed += differences.size() - created;
                stored.unchanged += products.size() - differences.size();
                return;
              }
              const auto written = writers.catalogue().import_products(products, actor);
              wrote = wrote || written.created + written.changed > 0;
              stored.created += written.created;
              stored.changed += written.changed;
              stored.unchanged += written.unchanged;
            },
        .refused = [&](const storage::RowRefusal& refusal) { report.refuse(refusal); },
        .progress =
            [&](const storage::ImportCounts& now) {
              counts = now;
              report.progress(now);
            }};
    const auto summarise = [&] {
      return report.finish(details(stored, counts.repeated, request.dry_run));
    };
    try {
      const auto result = storage::import_products(source, request.options, sink);
      const auto refused = counts.rows() > 0 ? summarise() : 0;
      if (!result) print_refusal(result.error());
      return {static_cast<bool>(result), counts.accepted, refused};
    } catch (const std::exception&) {
      summarise();
      std::cerr << "The import stopped early. Stored rows stay; run it again to load the rest.\n";
      if (wrote) print_import_id(import);
      throw;
    }
  };
  const int status = import_files(request, report, import_file);
  if (wrote) print_import_id(import);
  return status;
}

}  // namespace codasync::api::cli
