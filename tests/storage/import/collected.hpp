#pragma once

#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "storage/import/import.hpp"

namespace codasync::storage::test {

/// Everything that an import delivered.
template <class Row>
struct Collected {
  std::vector<std::vector<Row>> batches;
  std::vector<RowRefusal> refused;
  std::vector<ImportCounts> progress;
  std::optional<FilePlan> plan;

  ImportSink<Row> sink() {
    return {.planned = [this](const FilePlan& planned) { plan = planned; },
            .batch = [this](std::vector<Row> rows) { batches.push_back(std::move(rows)); },
            .refused = [this](const RowRefusal& refusal) { refused.push_back(refusal); },
            .progress = [this](const ImportCounts& counts) { progress.push_back(counts); }};
  }

  std::vector<Row> rows() const {
    std::vector<Row> all;
    for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
    return all;
  }
};

/// Imports a text as a file of products, or of readings.
inline Outcome<ImportCounts, FileRefusal> import_text(const std::string& file,
                                                      const ImportOptions& options,
                                                      Collected<ProductRow>& into) {
  std::istringstream in{file};
  StreamSource source{in};
  return import_products(source, options, into.sink());
}
inline Outcome<ImportCounts, FileRefusal> import_text(const std::string& file,
                                                      const ImportOptions& options,
                                                      Collected<ImportedReading>& into) {
  std::istringstream in{file};
  StreamSource source{in};
  return import_readings(source, options, into.sink());
}

}  // namespace codasync::storage::test
