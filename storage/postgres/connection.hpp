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
#include "storage/postgres/reply_timeout.hpp"

// Translates the exceptions of libpqxx; no other file does.

namespace codasync::storage::postgres {

/// The server rolled the transaction back in favour of another one (deadlock, serialization): run
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

/// A row would violate a constraint. what() can contain the row: never show it to a client.
class ConstraintViolation : public std::runtime_error {
 public:
  ConstraintViolation(std::string constraint, const std::string& log_detail)
      : std::runtime_error{log_detail}, constraint_{std::move(constraint)} {}

  /// Returns: the name of the constraint or unique index; empty when the server's messages are not
  /// in English.
  [[nodiscard]] const std::string& constraint() const noexcept { return constraint_; }

 private:
  std::string constraint_;
};

/// Another row has the same value.
class UniqueViolation : public ConstraintViolation {
 public:
  using ConstraintViolation::ConstraintViolation;
};

/// One connection to the primary server. It uses no session state (no SET, no prepared statement,
/// no session lock), so PgBouncer can run in transaction mode in between; a transaction sets what
/// it needs in its first message. A broken connection stays broken: libpqxx would silently open
/// another one in the middle of a transaction. If the server does not respond for longer than
/// statement_timeout and one second, the connection is closed. Every call throws: Unavailable,
/// LockTimeout, Conflict, ConstraintViolation; std::logic_error for an invalid statement. Threads:
/// one at a time.
class Connection {
 public:
  explicit Connection(const PostgresOptions& options);

  /// Runs SQL without parameters. Returns: the result of the last statement. Requires: no part of
  /// `sql` comes from outside the program.
  pqxx::result exec(const std::string& sql);

  /// Runs one statement. std::nullopt and nullptr mean NULL; a text must not contain a zero byte.
  template <class... Parameters>
  pqxx::result exec_params(const std::string& sql, const Parameters&... parameters) {
    return translated(reply_timeout(), [&] { return session_.exec_params(sql, parameters...); });
  }

  /// Returns: whether it can be used again.
  [[nodiscard]] bool usable() const noexcept { return usable_; }

  /// Returns: whether the server has sent nothing since the last statement. An unrequested message
  /// mostly means that it closes the session.
  [[nodiscard]] bool quiet() const noexcept;

  /// Returns: `set local …;`, the time limits of a transaction.
  [[nodiscard]] const std::string& limits() const noexcept { return limits_; }

  /// Returns: the same as the first two arguments of begin_write().
  [[nodiscard]] const std::string& limit_arguments() const noexcept { return limit_arguments_; }

  /// Runs COMMIT. If it takes longer than statement_timeout, the connection is closed: the server's
  /// own limit does not apply while it waits for a synchronous standby.
  void commit();

 private:
  template <class Work>
  pqxx::result translated(std::chrono::milliseconds timeout, Work&& work) {
    if (!usable_) throw Unavailable{"postgres", "the connection is lost"};
    try {
      const ReplyTimeout limit{connection_.sock(), timeout};
      return std::forward<Work>(work)();
    } catch (const std::exception& error) {
      rethrow(error);
    }
  }
  [[noreturn]] void rethrow(const std::exception& error);

  /// Longer than the server's own limits, because their errors are more precise.
  [[nodiscard]] std::chrono::milliseconds reply_timeout() const noexcept {
    return statement_timeout_ + std::chrono::seconds{1};
  }

  const std::string limits_;
  const std::string limit_arguments_;
  const std::chrono::milliseconds statement_timeout_;
  pqxx::connection connection_;
  pqxx::nontransaction session_;  // adds no BEGIN and COMMIT of its own
  bool usable_{true};
};

/// Returns: the connection; replaced by a new one if it is missing or not usable. Throws:
/// Unavailable.
Connection& renewed(std::unique_ptr<Connection>& connection, const PostgresOptions& options);

/// Returns: the libpq connection string of `options`, with time limits for a server that does not
/// respond. Throws: std::invalid_argument when the URL is not valid; the message does not contain
/// the URL.
std::string connection_string(const PostgresOptions& options);

}  // namespace codasync::storage::postgres
