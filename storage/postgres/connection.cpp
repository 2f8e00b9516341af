#include "storage/postgres/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <map>
#include <memory>
#include <pqxx/errorhandler>
#include <pqxx/except>
#include <string_view>
#include <typeinfo>

namespace codasync::storage::postgres {
namespace {

std::string limits_of(const PostgresOptions& options) {
  const std::string statement = std::to_string(options.statement_timeout.count());
  return "set local lock_timeout = " + std::to_string(options.lock_timeout.count()) +
         "; set local statement_timeout = " + statement +
         "; set local idle_in_transaction_session_timeout = " + statement + ";";
}

std::string limit_arguments_of(const PostgresOptions& options) {
  return "'" + std::to_string(options.lock_timeout.count()) + "','" +
         std::to_string(options.statement_timeout.count()) + "'";
}

/// The name in `… constraint "name"…`. libpqxx 6 does not provide the constraint field of the
/// error.
std::string constraint_in(std::string_view message) {
  constexpr std::string_view kBefore = "constraint \"";
  const std::size_t start = message.find(kBefore);
  if (start == std::string_view::npos) return {};
  message.remove_prefix(start + kBefore.size());
  return std::string{message.substr(0, message.find('"'))};
}

/// Returns: whether the error comes from libpq because the server did not reply. libpq can still
/// report such a connection as open: it read a message, but could not send the next statement. Some
/// derived classes of libpqxx 6 have no code either, but those errors come from the server.
bool is_lost_connection(const pqxx::sql_error& error) {
  return error.sqlstate().empty() && typeid(error) == typeid(pqxx::sql_error);
}

[[noreturn]] void rethrow_sql(const pqxx::sql_error& error) {
  const std::string& state = error.sqlstate();
  const std::string detail = state + ": " + error.what();
  const std::string_view kind = std::string_view{state}.substr(0, 2);
  if (state == "55P03") throw LockTimeout{"postgres", detail};
  if (kind == "40") throw Conflict{detail};
  if (state == "23505") throw UniqueViolation{constraint_in(error.what()), detail};
  if (kind == "23") throw ConstraintViolation{constraint_in(error.what()), detail};
  // Classes: lost connection, former primary (read-only transaction), lack of resources, operator
  // intervention (time limits, shutdown), system error.
  for (const std::string_view unavailable : {"08", "25", "53", "57", "58"}) {
    if (kind == unavailable) throw Unavailable{"postgres", detail};
  }
  // libpqxx 6 gives these no code.
  if (dynamic_cast<const pqxx::insufficient_resources*>(&error)) {
    throw Unavailable{"postgres", detail};
  }
  throw std::logic_error{"postgres: " + detail + " in: " + error.query()};
}

}  // namespace

// session_ detects a server that stopped between the two steps.
Connection::Connection(const PostgresOptions& options) try
    : limits_{limits_of(options)},
      limit_arguments_{limit_arguments_of(options)},
      statement_timeout_{options.statement_timeout},
      connection_{connection_string(options)},
      session_{connection_} {
} catch (const pqxx::failure& error) {
  throw Unavailable{"postgres", error.what()};
}

pqxx::result Connection::exec(const std::string& sql) {
  return translated(reply_timeout(), [&] { return session_.exec(sql); });
}

void Connection::commit() {
  translated(statement_timeout_, [&] { return session_.exec("commit"); });
}

bool Connection::quiet() const noexcept {
  pollfd socket{.fd = connection_.sock(), .events = POLLIN, .revents = 0};
  return ::poll(&socket, 1, 0) == 0;
}

void Connection::rethrow(const std::exception& error) {
  const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error);
  // A session that became read-only is treated as lost: the next connection finds the new primary.
  usable_ =
      connection_.is_open() && !(sql && (is_lost_connection(*sql) || sql->sqlstate() == "25006"));
  if (!usable_) throw Unavailable{"postgres", error.what()};
  if (sql) rethrow_sql(*sql);
  if (dynamic_cast<const pqxx::transaction_rollback*>(&error)) throw Conflict{error.what()};
  usable_ = false;
  throw Unavailable{"postgres", error.what()};
}

Connection& renewed(std::unique_ptr<Connection>& connection, const PostgresOptions& options) {
  if (!connection || !connection->usable()) {
    connection.reset();
    connection = std::make_unique<Connection>(options);
  }
  return *connection;
}

std::string connection_string(const PostgresOptions& options) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed{
      PQconninfoParse(options.url.reveal().c_str(), &message), &PQconninfoFree};
  // The message of libpq can contain the URL with the password, except for an unknown parameter.
  const std::string reason{message == nullptr ? "" : message};
  PQfreemem(message);
  if (!parsed) {
    constexpr std::string_view kForeign = "invalid URI query parameter";
    throw std::invalid_argument{reason.starts_with(kForeign)
                                    ? "not for libpq: " + reason.substr(0, reason.find('\n')) +
                                          " belongs to another library; remove it"
                                    : "not a PostgreSQL URL or key=value list"};
  }

  const auto seconds = [](std::chrono::milliseconds time) {
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count());
  };
  std::map<std::string, std::string> settings{
      {"application_name", "codasync"},
      {"client_encoding", "UTF8"},
      {"connect_timeout", seconds(options.connect_timeout)},
      {"target_session_attrs", "read-write"},
      // A server that stops responding is detected soon after the longest statement would have
      // ended.
      {"tcp_user_timeout", std::to_string(options.statement_timeout.count() + 1000)},
      {"keepalives_idle", seconds(options.statement_timeout)},
      {"keepalives_interval", "2"},
      {"keepalives_count", "3"},
  };
  for (const PQconninfoOption* option = parsed.get(); option->keyword; ++option) {
    if (option->val) settings[option->keyword] = option->val;
  }
  std::string text;
  for (const auto& [key, value] : settings) {
    text += key + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    text += "' ";
  }
  return text;
}

}  // namespace codasync::storage::postgres
