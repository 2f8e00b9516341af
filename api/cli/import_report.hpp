#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>

#include "api/cli/progress.hpp"
#include "storage/import/import.hpp"

namespace codasync::api::cli {

/// What a person sees of an import: on a terminal one line that moves, and each refused row.
/// Threads: safe concurrently.
class ImportReport {
 public:
  /// Refused rows go to `refused` as CSV, or to stderr.
  /// Throws: std::runtime_error when that file cannot be written.
  ImportReport(std::uint64_t bytes_total, const std::optional<std::filesystem::path>& refused);

  void refuse(const storage::RowRefusal& refusal);
  void progress(const storage::ImportCounts& counts);

  /// Takes the moving line away and prints the summary, after which nothing is reported any more.
  /// `details` may say more about the rows that were good.
  void finish(const std::string& details);

 private:
  // Fixed after construction.
  const std::uint64_t bytes_total_;
  const std::chrono::steady_clock::time_point start_;

  std::mutex mutex_;  // guards what follows, and stderr
  std::ofstream refused_;
  std::size_t refused_rows_{0};
  storage::ImportCounts counts_;
  Progress line_;
};

}  // namespace codasync::api::cli
