#include <fstream>
#include <iostream>

#include "api/cli/commands.hpp"
#include "api/cli/import_report.hpp"
#include "api/cli/writers.hpp"

namespace codasync::api::cli {

int import_products(const config::Settings& settings, const ImportSource& source) {
  std::ifstream in{source.file, std::ios::binary};
  ImportReport report{std::filesystem::file_size(source.file), source.refused};
  Writers writers{settings};

  storage::CatalogueStore::ImportCounts stored;
  const storage::ImportSink<storage::ProductRow> sink{
      .batch =
          [&](std::vector<storage::ProductRow> rows) {
            std::vector<storage::CatalogueStore::ImportedProduct> products;
            products.reserve(rows.size());
            for (auto& row : rows) {
              products.push_back(
                  {row.gtin, std::move(row.name), std::move(row.brand), std::move(row.category)});
            }
            const auto counts = writers.catalogue().import_products(products, command_line());
            stored.created += counts.created;
            stored.changed += counts.changed;
            stored.unchanged += counts.unchanged;
          },
      .refused = [&](const storage::RowRefusal& refusal) { report.refuse(refusal); },
      .progress = [&](const storage::ImportCounts& counts) { report.progress(counts); }};
  const auto summarise = [&] {
    report.finish(std::to_string(stored.created) + " products created, " +
                  std::to_string(stored.changed) + " changed, " + std::to_string(stored.unchanged) +
                  " unchanged");
  };
  try {
    const auto result = storage::import_products(in, source.lost_zeros, sink);
    summarise();
    if (result) return kDone;
    std::cerr << "codasync: " << source.file.string() << ": " << result.error().reason << "\n";
    return kFailed;
  } catch (const std::exception&) {
    summarise();
    std::cerr << "The import stopped early. Stored rows stay; run it again to load the rest.\n";
    throw;
  }
}

}  // namespace codasync::api::cli
