#include "storage/migrate.hpp"

#include <map>
#include <utility>

#include "storage/embedded_sql.hpp"
#include "storage/postgres/transaction.hpp"
#include "storage/sha256.hpp"

namespace codasync::storage {
namespace {

using postgres::Connection;
using postgres::Transaction;

// A number of no class in locks.cpp. Held by each transaction: a lock of the session would not
// survive PgBouncer.
constexpr const char* kLock = "select pg_advisory_xact_lock(1);";

constexpr const char* kCreateTable =
    "set local client_min_messages = warning;"
    "create table if not exists schema_migrations (number integer primary key, name text not null,"
    " checksum text not null, applied_at timestamptz not null default clock_timestamp())";

std::string checksum(std::string_view sql) { return to_hex(sha256(sql)); }

/// Returns: the first migration that is missing, or nullptr.
const Migration* next_of(Connection& connection, std::span<const Migration> wanted) {
  std::map<int, std::pair<std::string, std::string>> applied;
  for (const pqxx::row& row :
       connection.exec("select number, name, checksum from schema_migrations")) {
    applied[row[0].as<int>()] = {row[1].c_str(), row[2].c_str()};
  }
  const Migration* next = nullptr;
  for (const Migration& migration : wanted) {
    const auto found = applied.extract(migration.number);
    if (found.empty()) {
      if (!next) next = &migration;
    } else if (found.mapped().second != checksum(migration.sql)) {
      throw MigrationRefused{"migration " + std::to_string(migration.number) + " (" +
                             found.mapped().first + ") was changed after it was applied"};
    }
  }
  if (!applied.empty()) {
    throw MigrationRefused{"the database has migration " + std::to_string(applied.begin()->first) +
                           " (" + applied.begin()->second.first +
                           "), which this program does not know: it belongs to a newer one"};
  }
  return next;
}

}  // namespace

std::span<const Migration> migrations() { return embedded::kMigrations; }

std::vector<std::string> migrate(const PostgresOptions& options) {
  std::vector<std::string> applied = migrate(options, migrations());
  Connection connection{options};
  Transaction transaction{connection, Transaction::Access::read_write,
                          std::string{kLock} + std::string{embedded::kGrants}};
  transaction.commit();
  return applied;
}

std::vector<std::string> migrate(const PostgresOptions& options,
                                 std::span<const Migration> wanted) {
  PostgresOptions patient = options;
  // An index on a large table takes long; locks are waited for as briefly as ever.
  patient.statement_timeout = std::chrono::hours{1};
  Connection connection{patient};
  std::vector<std::string> applied;
  while (true) {
    Transaction transaction{connection, Transaction::Access::read_write,
                            std::string{kLock} + kCreateTable};
    const Migration* next = next_of(connection, wanted);
    if (next) {
      connection.exec(std::string{next->sql});
      connection.exec_params(
          "insert into schema_migrations (number, name, checksum) values ($1, $2, $3)",
          next->number, std::string{next->name}, checksum(next->sql));
      applied.emplace_back(next->name);
    }
    transaction.commit();
    if (!next) return applied;
  }
}

}  // namespace codasync::storage
