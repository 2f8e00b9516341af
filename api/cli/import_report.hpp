#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "api/cli/progress.hpp"
#include "storage/import/import.hpp"
#include "storage/mutex.hpp"

namespace codasync::api::cli {

/// Reports an import to a person: a progress line on a terminal, each refused row, and a summary.
/// Threads: safe concurrently.
class ImportReport {
 public:
  /// Refused rows go to `refused` as CSV, or to stderr.
  /// Throws: std::runtime_error when that file cannot be written.
  ImportReport(std::uint64_t bytes_total, const std::optional<std::filesystem::path>& refused);

  void refuse(const storage::RowRefusal& refusal);
  void progress(const storage::ImportCounts& counts);

  /// Removes the progress line and prints the summary, with `details` about the accepted rows. Call
  /// it last.
  void finish(const std::string& details);

 private:
  // Fixed after construction.
  const std::uint64_t bytes_total_;
  const std::chrono::steady_clock::time_point start_;

  Mutex mutex_;  // guards stderr too
  std::ofstream refused_ CODASYNC_GUARDED_BY(mutex_);
  std::size_t refused_rows_ CODASYNC_GUARDED_BY(mutex_){0};
  storage::ImportCounts counts_ CODASYNC_GUARDED_BY(mutex_);
  Progress line_ CODASYNC_GUARDED_BY(mutex_);
};

}  // namespace codasync::api::cli
