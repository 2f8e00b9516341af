#pragma once

#include <memory>
#include <string>

#include "storage/options.hpp"

namespace codasync::test {

/// A database of its own for a suite, migrated, on the server that CODASYNC_TEST_POSTGRES names
/// (the URL of a superuser on a throw-away server). Dropped in the destructor, whoever is still
/// connected. Where CODASYNC_TEST_PGBOUNCER names a PgBouncer in front of that server, what is
/// tested goes through it, and the test itself asks the server.
/// Throws: std::runtime_error when the first variable is not set; what storage throws.
class TestDatabase {
 public:
  enum class Schema { migrated, none };

  explicit TestDatabase(Schema schema = Schema::migrated);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Returns: the way to the server itself.
  [[nodiscard]] std::string url() const;

  /// Returns: the way of what is tested; through PgBouncer where there is one.
  [[nodiscard]] storage::PostgresOptions options() const;
  /// Returns: `unix:/path`, the socket that options() lead to.
  [[nodiscard]] std::string socket() const;
  /// Returns: whether PgBouncer stands in between. Then a connection is no session of the server.
  [[nodiscard]] static bool pooled();

  /// Runs SQL on a connection of its own to the server.
  /// Returns: the first column of the first row as text; empty for a null or no row.
  std::string run(const std::string& sql) const;

 private:
  std::string server_;
  std::string name_;
};

/// While it lives, the test server has `fsync = on`, which `codasync check` asks for. It counts for
/// every database of the server.
class FsyncOn {
 public:
  /// Returns when new sessions have it. Throws: std::runtime_error when they do not get it.
  explicit FsyncOn(const TestDatabase& database);
  ~FsyncOn();
  FsyncOn(const FsyncOn&) = delete;
  FsyncOn& operator=(const FsyncOn&) = delete;

 private:
  const TestDatabase& database_;
};

}  // namespace codasync::test
