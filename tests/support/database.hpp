#pragma once

#include <memory>
#include <string>

#include "storage/options.hpp"

namespace codasync::test {

/// A migrated database for one suite, on the server in CODASYNC_TEST_POSTGRES (the URL of a
/// superuser on a temporary server). The destructor drops it and closes the connections to it. If
/// CODASYNC_TEST_PGBOUNCER names a PgBouncer in front of that server, the tested code connects
/// through PgBouncer, and the test itself connects to the server. Throws: std::runtime_error when
/// the first variable is not set; what storage throws.
class TestDatabase {
 public:
  enum class Schema { migrated, none };

  explicit TestDatabase(Schema schema = Schema::migrated);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Returns: the URL of the server itself.
  [[nodiscard]] std::string url() const;

  /// Returns: the options of the tested code; they connect through PgBouncer if it is used.
  [[nodiscard]] storage::PostgresOptions options() const;
  /// Returns: `unix:/path`, the socket of options().
  [[nodiscard]] std::string socket() const;
  /// Returns: whether PgBouncer is used. Then a connection is not the same as a server session.
  [[nodiscard]] static bool pooled();

  /// Runs SQL on a new connection to the server.
  /// Returns: the first column of the first row as text; empty for a null or without a row.
  std::string run(const std::string& sql) const;

 private:
  std::string server_;
  std::string name_;
};

/// Sets `fsync = on` for the whole test server until it is destroyed, because `codasync check`
/// requires it.
class FsyncOn {
 public:
  /// Returns when new sessions use it. Throws: std::runtime_error when it stays off.
  explicit FsyncOn(const TestDatabase& database);
  ~FsyncOn();
  FsyncOn(const FsyncOn&) = delete;
  FsyncOn& operator=(const FsyncOn&) = delete;

 private:
  const TestDatabase& database_;
};

}  // namespace codasync::test
