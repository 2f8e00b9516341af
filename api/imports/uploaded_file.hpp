#pragma once

#include <cstdint>
#include <memory>

#include "api/problem.hpp"
#include "api/transport/upload.hpp"
#include "storage/import/byte_source.hpp"
#include "storage/model/outcome.hpp"
#include "storage/unique_fd.hpp"

namespace codasync::api {

/// The body of an upload, in a temporary file without a name (in TMPDIR, or /tmp). So an upload
/// that is cut off imports nothing, a slow one needs no connection to the database, and progress
/// has a total. Threads: one.
class UploadedFile final : public storage::ByteSource {
 public:
  /// Reads the upload to its end. Returns: the file; 400, 408 or 413 of the transport; 503 when it
  /// cannot be stored.
  static Outcome<std::unique_ptr<UploadedFile>, Problem> receive(Upload& upload);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  explicit UploadedFile(UniqueFd file) : file_{std::move(file)} {}
  std::size_t take(std::span<char> into) override;

  UniqueFd file_;
  std::uint64_t size_{0};
};

}  // namespace codasync::api
