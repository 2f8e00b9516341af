#include "storage/migrate.hpp"

#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "storage/errors.hpp"
#include "storage/model/encoding.hpp"
#include "storage/postgres/embedded_sql.hpp"
#include "storage/postgres/transaction.hpp"
#include "storage/sha256.hpp"

namespace codasync::storage {
namespace {

using postgres::Connection;
using postgres::Transaction;

constexpr std::chrono::minutes kWaitMax{10};  // for other programs that migrate
constexpr std::chrono::milliseconds kPollInterval{100};
constexpr std::chrono::hours kStatementTimeout{1};  // an index on a large table takes long
constexpr std::string_view kNoTransaction = "-- no transaction\n";  // see migrate.hpp

constexpr const char* kCreateTable =
    "set local client_min_messages = warning;"
    "create table if not exists schema_migrations (number integer primary key, name text not null,"
    " checksum text not null, applied_at timestamptz not null default clock_timestamp())";

PostgresOptions with_long_statements(PostgresOptions options) {
  options.statement_timeout = kStatementTimeout;
  return options;
}

/// Waits until no other program migrates, and excludes others until the transaction ends. It polls:
/// a waiting statement would have a snapshot, and `create index concurrently` of the other program
/// would wait for that snapshot. A session lock does not work behind PgBouncer.
void exclude_others(Transaction& transaction) {
  const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
  // No lock of storage/locks.cpp has the number 1.
  while (!transaction.connection().exec("select pg_try_advisory_xact_lock(1)")[0][0].as<bool>()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw Unavailable{"postgres", "another program has been migrating this database for " +
                                        std::to_string(kWaitMax.count()) +
                                        " minutes; try again when it has ended"};
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

/// Returns: the statements of a migration that runs outside a transaction.
std::vector<std::string> statements_of(std::string_view sql) {
  std::vector<std::string> statements;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = sql.find(";\n", begin)) != std::string_view::npos;
       begin = end + 2) {
    statements.emplace_back(sql.substr(begin, end - begin));
  }
  if (sql.find_first_not_of(" \n", begin) != std::string_view::npos)
    statements.emplace_back(sql.substr(begin));
  return statements;
}

void apply(Connection& connection, const PostgresOptions& options, const Migration& migration) {
  if (!migration.sql.starts_with(kNoTransaction)) {
    connection.exec(std::string{migration.sql});
    return;
  }
  // `connection` excludes other programs meanwhile. It has no snapshot between two statements, so
  // no statement here waits for it.
  Connection outside{options};
  for (const std::string& statement : statements_of(migration.sql)) outside.exec(statement);
}

std::string checksum(std::string_view sql) { return to_hex(sha256(sql)); }

/// Returns: the first migration that is missing, or nullptr.
const Migration* next_of(Connection& connection, std::span<const Migration> all) {
  std::map<int, std::pair<std::string, std::string>> applied;
  for (const pqxx::row& row :
       connection.exec("select number, name, checksum from schema_migrations")) {
    applied[row[0].as<int>()] = {row[1].c_str(), row[2].c_str()};
  }
  const Migration* next = nullptr;
  for (const Migration& migration : all) {
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
                           "), which does not exist in this program: a newer program migrated it"};
  }
  return next;
}

}  // namespace

std::span<const Migration> migrations() { return embedded::kMigrations; }

std::vector<std::string> migrate(const PostgresOptions& options) {
  std::vector<std::string> applied = migrate(options, migrations());
  Connection connection{with_long_statements(options)};
  Transaction transaction{connection, Transaction::Access::read_write};
  exclude_others(transaction);
  connection.exec(std::string{embedded::kGrants});
  transaction.commit();
  return applied;
}

std::vector<std::string> migrate(const PostgresOptions& options, std::span<const Migration> all) {
  const PostgresOptions own = with_long_statements(options);
  Connection connection{own};
  std::vector<std::string> applied;
  while (true) {
    Transaction transaction{connection, Transaction::Access::read_write};
    exclude_others(transaction);
    connection.exec(kCreateTable);
    const Migration* next = next_of(connection, all);
    if (next) {
      apply(connection, own, *next);
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
