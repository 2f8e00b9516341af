#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "api/cli/import_recording.hpp"
#include "api/cli/progress.hpp"
#include "api/imports/import_run.hpp"
#include "storage/import/import.hpp"
#include "storage/mutex.hpp"

namespace codasync::api::cli {

/// Reports an import to a person: what each column is for, a progress line on a terminal, each
/// refused row, changes of a dry run, and a summary for each file. Threads: safe concurrently.
class ImportReport final : public ImportReceiver {
 public:
  /// Refused rows go to `refused` as CSV, or to stderr. `recording`: null pointer: the import is
  /// not recorded; it outlives the report.
  /// Throws: std::runtime_error when that file cannot be written.
  ImportReport(const std::optional<std::filesystem::path>& refused, ImportRecording* recording);

  /// Before each file. `bytes_total`: nothing for a pipe.
  void start(const std::string& file, std::optional<std::uint64_t> bytes_total);

  /// Prints how the file is read and what each of its columns is for.
  void plan(const storage::FilePlan& plan) override;
  void begin() override {
    if (recording_ != nullptr) recording_->begin();
  }
  void refuse(const storage::RowRefusal& refusal) noexcept override;
  void progress(const storage::ImportCounts& counts) override;

  // Print a change that a dry run found, on stdout; only the first kImportChangesShown of a file.
  void change(const storage::CatalogueStore::ProductDifference& difference) noexcept override;
  void change(std::size_t line, const storage::Written& written) noexcept override;

  /// Removes the progress line and prints the summary of the file, with `details` about the
  /// accepted rows. Returns: the number of refused rows of the file.
  std::size_t finish(const std::string& details);

 private:
  void show(const std::string& change);

  ImportRecording* const recording_;
  Mutex mutex_;  // guards stdout and stderr too
  std::ofstream refused_ CODASYNC_GUARDED_BY(mutex_);
  std::string file_ CODASYNC_GUARDED_BY(mutex_);
  std::optional<std::uint64_t> bytes_total_ CODASYNC_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point start_ CODASYNC_GUARDED_BY(mutex_);
  std::size_t refused_rows_ CODASYNC_GUARDED_BY(mutex_){0};
  std::size_t changes_ CODASYNC_GUARDED_BY(mutex_){0};
  storage::ImportCounts counts_ CODASYNC_GUARDED_BY(mutex_);
  Progress line_ CODASYNC_GUARDED_BY(mutex_);
};

}  // namespace codasync::api::cli
