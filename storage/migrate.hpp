#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "storage/options.hpp"

namespace codasync::storage {

/// One file of storage/migrations, part of the program: `0001_schema.sql` is number 1, name
/// `schema`. It runs in one transaction, unless its first line is `-- no transaction`. Then each
/// statement, which ends with a semicolon at the end of a line, runs by itself, and all of them run
/// again after an interruption (storage/README.md, A new migration).
struct Migration {
  int number;
  std::string_view name;
  std::string_view sql;
};

/// Returns: all migrations this program knows, from number 1 without gaps.
std::span<const Migration> migrations();

/// The database was migrated by another program: what it has is not what this one would do.
class MigrationRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Brings the schema up to date: applies what is missing in order, and then grants the service role
/// what it needs (storage/grants.sql). Of programs that do it at the same time one migrates and the
/// others wait, at most 10 minutes for each migration. A table is waited for as long as
/// `lock_timeout` says, a statement takes at most an hour; outside a transaction the limits of the
/// role hold instead. Needs the rights of the owner. Returns: the names of what was applied; empty
/// when all was there. Throws: MigrationRefused when an applied migration has another text here or
/// is unknown here (a newer program was there); Unavailable; postgres::ConstraintViolation for rows
/// that a migration does not allow; std::logic_error for a migration that is wrong. What was
/// committed before stays.
std::vector<std::string> migrate(const PostgresOptions& options);

/// The same with other migrations, and without the grants.
std::vector<std::string> migrate(const PostgresOptions& options, std::span<const Migration> wanted);

}  // namespace codasync::storage
