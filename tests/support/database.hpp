#pragma once

#include <memory>
#include <string>

#include "storage/options.hpp"

namespace codasync::test {

/// A database of its own for a suite, migrated, on the server that CODASYNC_TEST_POSTGRES names
/// (the URL of a superuser on a throw-away server). Dropped in the destructor, whoever is still
/// connected. Throws: std::runtime_error when the variable is not set; what storage throws.
class TestDatabase {
 public:
  enum class Schema { migrated, none };

  explicit TestDatabase(Schema schema = Schema::migrated);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string url() const;
  [[nodiscard]] storage::PostgresOptions options() const;

  /// Runs SQL on a connection of its own.
  /// Returns: the first column of the first row as text; empty for a null or no row.
  std::string run(const std::string& sql) const;

 private:
  std::string server_;
  std::string name_;
};

}  // namespace codasync::test
