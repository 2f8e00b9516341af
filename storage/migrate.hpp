#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "storage/options.hpp"

namespace codasync::storage {

/// One file of storage/migrations, embedded in the program: `0001_schema.sql` has number 1 and name
/// `schema`. It runs in one transaction, unless its first line is `-- no transaction`. Then each
/// statement, which ends with a semicolon at the end of a line, runs by itself, and all of them run
/// again after an interruption (storage/README.md, "A new migration").
struct Migration {
  int number;
  std::string_view name;
  std::string_view sql;
};

/// Returns: all migrations of this program, from number 1 without gaps.
std::span<const Migration> migrations();

/// The database has a migration that differs from this program's migrations.
class MigrationRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Applies the missing migrations in order, and then grants the rights of the service role
/// (storage/grants.sql). When several programs migrate concurrently, one works and the others wait,
/// at most 10 minutes for each migration. The wait for a table is limited by `lock_timeout`, a
/// statement by one hour; outside a transaction the limits of the role apply. Requires: the rights
/// of the owner role. Returns: the names of the applied migrations; empty when none was missing.
/// Throws: MigrationRefused when an applied migration has another text in this program, or does not
/// exist in it (a newer program migrated the database); Unavailable; postgres::ConstraintViolation
/// when existing rows violate a new constraint; std::logic_error when a migration is wrong.
/// Migrations that were committed before stay.
std::vector<std::string> migrate(const PostgresOptions& options);

/// The same with the migrations `all`, and without the grants.
std::vector<std::string> migrate(const PostgresOptions& options, std::span<const Migration> all);

}  // namespace codasync::storage
