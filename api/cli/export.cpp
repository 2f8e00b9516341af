#include "storage/export.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "api/cli/commands.hpp"
#include "api/cli/progress.hpp"
#include "storage/unique_fd.hpp"

namespace codasync::api::cli {
namespace {

/// Where an export is written: stdout, a device or pipe, or a file that gets its name when it is
/// complete, so that a failure leaves no half of a file.
class Destination {
 public:
  explicit Destination(const std::optional<std::filesystem::path>& file) : file_{file} {
    if (!file_) return;
    std::error_code error;
    const auto status = std::filesystem::status(*file_, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
      fd_ = UniqueFd{::open(file_->c_str(), O_WRONLY | O_CLOEXEC)};
      if (fd_.get() < 0) fail();
      return;
    }
    part_ = *file_;
    part_ += ".part";
    fd_ = UniqueFd{::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (fd_.get() < 0) fail();
  }
  ~Destination() {
    if (!part_.empty()) ::unlink(part_.c_str());
  }
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  void write(std::string_view text) {
    while (!text.empty()) {
      const auto written = ::write(file_ ? fd_.get() : STDOUT_FILENO, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail();
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void complete() {
    if (part_.empty()) return;
    if (::fsync(fd_.get()) != 0) fail();
    if (::rename(part_.c_str(), file_->c_str()) != 0) fail();
    part_.clear();
  }

 private:
  [[noreturn]] void fail() const {
    throw std::runtime_error{"cannot write " + (file_ ? file_->string() : "the output") + ": " +
                             std::system_category().message(errno)};
  }

  const std::optional<std::filesystem::path> file_;
  std::filesystem::path part_;  // until it is complete
  UniqueFd fd_{-1};
};

}  // namespace

int export_records(const config::Settings& settings, const ExportTarget& target) {
  using Clock = std::chrono::steady_clock;
  storage::ExportFilter filter;
  for (const auto shop : target.shops) filter.shops.emplace_back(shop);
  const auto exports = storage::make_exports(settings.postgres, 1);
  ExportText text{exports->begin(target.kind, filter), target.kind, target.format};
  Destination destination{target.file};
  Progress progress;
  const auto start = Clock::now();
  std::uint64_t bytes = 0;
  const auto summary = [&] {
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::ostringstream line;
    line.precision(1);
    line << text.records() << " records (" << std::fixed << static_cast<double>(bytes) / 1e6
         << " MB) in " << seconds << " s";
    return line.str();
  };
  for (std::string piece; text.next(piece);) {
    destination.write(piece);
    bytes += piece.size();
    progress.show(summary);
  }
  destination.complete();
  progress.clear();
  if (target.file) std::cerr << summary() << ": " << target.file->string() << "\n";
  return kDone;
}

}  // namespace codasync::api::cli
