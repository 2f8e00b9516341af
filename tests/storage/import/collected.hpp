#pragma once

#include <istream>
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

  ImportSink<Row> sink() {
    return {.batch = [this](std::vector<Row> rows) { batches.push_back(std::move(rows)); },
            .refused = [this](const RowRefusal& refusal) { refused.push_back(refusal); },
            .progress = [this](const ImportCounts& counts) { progress.push_back(counts); }};
  }

  std::vector<Row> rows() const {
    std::vector<Row> all;
    for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
    return all;
  }
};

}  // namespace codasync::storage::test
