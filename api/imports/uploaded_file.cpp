#include "api/imports/uploaded_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

namespace codasync::api {
namespace {

constexpr int kRetrySeconds = 30;

/// Returns: a file that ends with its descriptor; without a descriptor when it cannot be made.
UniqueFd make_file() {
  const char* const folder = std::getenv("TMPDIR");  // NOLINT: nothing changes the environment
  std::string path{folder != nullptr && *folder != '\0' ? folder : "/tmp"};
  path += "/codasync-import-XXXXXX";
  UniqueFd file{::mkostemp(path.data(), O_CLOEXEC)};
  if (file.get() >= 0) ::unlink(path.c_str());
  return file;
}

bool store(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Problem not_stored() {
  return unavailable("The service has no space to store the file. Nothing was changed.",
                     kRetrySeconds);
}

}  // namespace

Outcome<std::unique_ptr<UploadedFile>, Problem> UploadedFile::receive(Upload& upload) {
  std::unique_ptr<UploadedFile> file{new UploadedFile{make_file()}};
  if (file->file_.get() < 0) return not_stored();
  for (;;) {
    const auto piece = upload.next();
    if (!piece)
      return Problem{piece.error().status, piece.error().type, std::string{piece.error().detail}};
    if (piece->empty()) break;
    if (!store(file->file_.get(), *piece)) return not_stored();
    file->size_ += piece->size();
  }
  if (::lseek(file->file_.get(), 0, SEEK_SET) != 0) return not_stored();
  return file;
}

std::size_t UploadedFile::take(std::span<char> into) {
  for (;;) {
    const auto count = ::read(file_.get(), into.data(), into.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw storage::ReadFailed{"The stored file cannot be read."};
  }
}

}  // namespace codasync::api
