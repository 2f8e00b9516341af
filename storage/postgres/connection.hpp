#pragma once

#include <chrono>
#include <memory>
#include <pqxx/connection>
#include <pqxx/nontransaction>
#include <pqxx/result>
#include <stdexcept>
#include <string>
#include <utility>

#include "storage/errors.hpp"
#include "storage/options.hpp"
#include "storage/postgres/cut_after.hpp"

// The border to libpqxx: what it throws is translated here and nowhere else.

namespace codasync::storage::postgres {

/// The server undid the transaction so that another one could go on (deadlock, serialization): run
/// it again.
class Conflict : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A lock was not free within lock_timeout. Nothing was changed.
class LockTimeout : public Unavailable {
 public:
  using Unavailable::Unavailable;
};

/// A row would break a rule of the schema. what() may quote the row: never for a client.
class ConstraintViolation : public std::runtime_error {
 public:
  ConstraintViolation(std::string constraint, const std::string& log_detail)
      : std::runtime_error{log_detail}, constraint_{std::move(constraint)} {}

  /// Returns: the name of the constraint or unique index; empty when the server's messages are in
  /// another language than English.
  [[nodiscard]] const std::string& constraint() const noexcept { return constraint_; }

 private:
  std::string constraint_;
};

/// Another row has the value already.
class UniqueViolation : public ConstraintViolation {
 public:
  using ConstraintViolation::ConstraintViolation;
};

/// One connection to the server that takes writes. It keeps no session state (no SET, no prepared
/// statement, no session lock), so PgBouncer may stand in between in transaction mode; what a
/// transaction needs it says in its own first message. A connection that broke stays broken:
/// libpqxx would silently open another one in the middle of a transaction. One whose server is
/// silent for longer than statement_timeout and a second is given up. Every call throws:
/// Unavailable, LockTimeout, Conflict, ConstraintViolation; std::logic_error for a statement that
/// is wrong. Threads: one at a time.
class Connection {
 public:
  explicit Connection(const PostgresOptions& options);

  /// Runs SQL without parameters; of several statements the last one's result is returned.
  /// Requires: no part of `sql` comes from outside the program.
  pqxx::result exec(const std::string& sql);

  /// Runs one statement. std::nullopt and nullptr are NULL; a text must not contain a zero byte.
  template <class... Parameters>
  pqxx::result exec_params(const std::string& sql, const Parameters&... parameters) {
    return translated(patience(), [&] { return session_.exec_params(sql, parameters...); });
  }

  /// Returns: whether it can be used again.
  [[nodiscard]] bool usable() const noexcept { return usable_; }

  /// Returns: whether the server has said nothing since the last statement. What it says unasked is
  /// mostly good-bye.
  [[nodiscard]] bool quiet() const noexcept;

  /// Returns: `set local …;`, the time limits of a transaction.
  [[nodiscard]] const std::string& limits() const noexcept { return limits_; }

  /// Returns: the same as the first two arguments of lock_for_write().
  [[nodiscard]] const std::string& limit_arguments() const noexcept { return limit_arguments_; }

  /// COMMIT. The connection is given up when it takes longer than statement_timeout: the server's
  /// own limit does not hold while a synchronous standby is waited for.
  void commit();

 private:
  template <class Work>
  pqxx::result translated(std::chrono::milliseconds patience, Work&& work) {
    if (!usable_) throw Unavailable{"postgres", "the connection is lost"};
    try {
      const CutAfter limit{connection_.sock(), patience};
      return std::forward<Work>(work)();
    } catch (const std::exception& error) {
      rethrow(error);
    }
  }
  [[noreturn]] void rethrow(const std::exception& error);

  /// Longer than the server's own limits, which say more.
  [[nodiscard]] std::chrono::milliseconds patience() const noexcept {
    return statement_timeout_ + std::chrono::seconds{1};
  }

  const std::string limits_;
  const std::string limit_arguments_;
  const std::chrono::milliseconds statement_timeout_;
  pqxx::connection connection_;
  pqxx::nontransaction session_;  // sends what it is given; BEGIN and COMMIT are ours
  bool usable_{true};
};

/// Returns: the connection, or a new one in its place where there is none that can be used.
/// Throws: Unavailable.
Connection& renewed(std::unique_ptr<Connection>& connection, const PostgresOptions& options);

/// Returns: the libpq connection string of `options`, with time limits for a server that does not
/// answer. Throws: std::invalid_argument when the URL is none; the message does not contain it.
std::string connection_string(const PostgresOptions& options);

}  // namespace codasync::storage::postgres
