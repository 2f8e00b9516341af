#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace codasync::test {

/// A PostgreSQL server of its own, in a temporary folder, on a Unix socket, without fsync.
/// Throws: std::runtime_error when it does not start. Threads: one at a time.
class Postgres {
 public:
  /// `environment`: NAME=value, of the server.
  explicit Postgres(const std::vector<std::string>& environment = {});
  ~Postgres();
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  /// Returns: the URL of a superuser.
  [[nodiscard]] std::string url() const;

 private:
  std::string directory_;
  std::unique_ptr<Process> process_;
};

}  // namespace codasync::test
