#include "api/cli/import_files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

namespace codasync::api::cli {
namespace {

/// Returns: the size of a regular file; nothing for a pipe.
std::optional<std::uint64_t> size_of(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  const auto size = std::filesystem::file_size(path, error);
  return error ? std::nullopt : std::optional<std::uint64_t>{size};
}

}  // namespace

int import_files(const ImportRequest& request, ImportReport& report,
                 const std::function<FileResult(storage::ByteSource&)>& import) {
  std::size_t taken = 0;
  std::size_t refused = 0;
  std::size_t incomplete = 0;
  bool stopped_early = false;
  const auto import_stream = [&](const std::string& name, std::optional<std::uint64_t> size,
                                 std::istream& in) {
    report.start(name, size);
    storage::StreamSource source{in};
    const auto result = import(source);
    taken += result.taken;
    refused += result.refused;
    if (!result.complete) ++incomplete;
    stopped_early = stopped_early || (!result.complete && result.taken > 0);
  };
  // A wrong name must not end a command that has imported other files.
  for (const auto& path : request.files) {
    std::error_code error;
    if (path == "-") continue;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) continue;
    std::cerr << "codasync: " << path.string()
              << (std::filesystem::exists(status) ? " is a folder, not a file.\n"
                                                  : " does not exist.\n");
    return kMisused;
  }
  for (const auto& path : request.files) {
    if (path == "-") {
      import_stream("standard input", std::nullopt, std::cin);
      continue;
    }
    std::ifstream in{path, std::ios::binary};
    if (in) {
      import_stream(path.string(), size_of(path), in);
    } else {
      std::cerr << "codasync: " << path.string() << ": " << std::strerror(errno) << "\n";
      ++incomplete;
    }
  }
  if (taken == 0 || stopped_early) return kFailed;
  return refused > 0 || incomplete > 0 ? kRefusedSome : kDone;
}

void print_refusal(const storage::FileRefusal& refusal) {
  std::cerr << "Not imported:\n";
  for (std::string_view rest = refusal.reason; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::cerr << "  " << rest.substr(0, end) << '\n';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

}  // namespace codasync::api::cli
