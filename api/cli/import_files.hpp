#pragma once

#include <cstddef>
#include <functional>

#include "api/cli/commands.hpp"
#include "api/cli/import_report.hpp"
#include "storage/import/byte_source.hpp"

namespace codasync::api::cli {

/// What an import did with a file.
struct FileResult {
  bool complete{false};  // read to its end
  std::size_t taken{0};
  std::size_t refused{0};
};

/// Imports each file of the request. `import`: imports one file; called after report.start().
/// Returns: the exit status of the command.
int import_files(const ImportRequest& request, ImportReport& report,
                 const std::function<FileResult(storage::ByteSource&)>& import);

/// Prints why a file was not imported, or not completely.
void print_refusal(const storage::FileRefusal& refusal);

}  // namespace codasync::api::cli
