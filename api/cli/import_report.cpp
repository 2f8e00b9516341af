#include "api/cli/import_report.hpp"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace codasync::api::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBarWidth = 30;

std::string quoted(const std::string& text) {
  std::string quoted{"\""};
  for (const char c : text) quoted.append(c == '"' ? "\"\"" : std::string{c});
  return quoted + "\"";
}

std::string megabytes(std::uint64_t bytes) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / 1e6 << " MB";
  return text.str();
}

}  // namespace

ImportReport::ImportReport(std::uint64_t bytes_total,
                           const std::optional<std::filesystem::path>& refused)
    : bytes_total_{std::max<std::uint64_t>(bytes_total, 1)}, start_{Clock::now()} {
  if (!refused) return;
  refused_.open(*refused, std::ios::trunc);
  refused_ << "line,field,reason\n";
  if (!refused_) throw std::runtime_error{"cannot write " + refused->string()};
}

void ImportReport::refuse(const storage::RowRefusal& refusal) {
  const MutexLock hold{mutex_};
  ++refused_rows_;
  if (refused_.is_open()) {
    refused_ << refusal.line << ',' << refusal.field << ',' << quoted(refusal.reason) << '\n';
    return;
  }
  line_.clear();
  std::cerr << "line " << refusal.line << ": " << refusal.field
            << (refusal.field.empty() ? "" : ": ") << refusal.reason << '\n';
}

void ImportReport::progress(const storage::ImportCounts& counts) {
  const MutexLock hold{mutex_};
  counts_ = counts;
  line_.show([&]() CODASYNC_REQUIRES(mutex_) {
    const double done =
        std::min(1.0, static_cast<double>(counts.bytes) / static_cast<double>(bytes_total_));
    const auto filled = static_cast<std::size_t>(done * kBarWidth);
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const auto rows = counts.accepted + counts.refused;
    std::ostringstream line;
    line << '[' << std::string(filled, '#') << std::string(kBarWidth - filled, '.') << "] "
         << static_cast<int>(done * 100) << " %  " << megabytes(counts.bytes) << "  " << rows
         << " rows, " << static_cast<std::uint64_t>(static_cast<double>(rows) / seconds) << "/s, "
         << refused_rows_ << " refused";
    return line.str();
  });
}

void ImportReport::finish(const std::string& details) {
  const MutexLock hold{mutex_};
  line_.clear();
  if (refused_.is_open()) refused_.close();
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const auto rows = counts_.accepted + counts_.refused;
  std::cerr << rows << " rows (" << megabytes(counts_.bytes) << ") in " << std::fixed
            << std::setprecision(1) << seconds << " s: " << details << ", " << refused_rows_
            << " refused.\n";
}

}  // namespace codasync::api::cli
