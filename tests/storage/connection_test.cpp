#include "storage/postgres/connection.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <map>
#include <thread>

#include "storage/postgres/transaction.hpp"
#include "tests/support/database.hpp"
#include "tests/support/tcp_gate.hpp"

namespace codasync::storage::postgres {
namespace {

using test::TestDatabase;

class ConnectionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { database_ = std::make_unique<TestDatabase>(); }
  static void TearDownTestSuite() { database_.reset(); }

  static void kill(Connection& connection) {
    const auto pid = connection.exec("select pg_backend_pid()")[0][0].as<int>();
    database_->run("select pg_terminate_backend(" + std::to_string(pid) + ", 5000)");
  }

  /// Returns: the socket of PostgreSQL itself, for a gate.
  static std::string address() {
    return database_->run(
        "select 'unix:' || current_setting('unix_socket_directories') || '/.s.PGSQL.' || "
        "current_setting('port')");
  }

  static PostgresOptions through(const test::TcpGate& gate) {
    PostgresOptions options;
    options.url = Secret{"postgresql://" + gate.address() + "/" + database_->name() +
                         "?user=" + database_->run("select current_user")};
    return options;
  }

  static inline std::unique_ptr<TestDatabase> database_;
};

TEST_F(ConnectionTest, leaves_no_setting_in_its_session) {
  Connection connection{database_->options()};
  const auto setting = [&] {
    return std::string{connection.exec("show lock_timeout")[0][0].c_str()};
  };
  {
    Transaction transaction{connection, Transaction::Access::read_only};
    EXPECT_EQ(setting(), "2s");
    transaction.commit();
  }
  EXPECT_EQ(setting(), "0");
}

TEST_F(ConnectionTest, that_was_killed_is_unavailable_and_never_usable_again) {
  if (TestDatabase::pooled()) GTEST_SKIP() << "between transactions PgBouncer takes another one";
  Connection connection{database_->options()};
  kill(connection);
  EXPECT_THROW(connection.exec("select 1"), Unavailable);
  EXPECT_FALSE(connection.usable());
  EXPECT_THROW(connection.exec("select 1"), Unavailable);
}

TEST_F(ConnectionTest, killed_before_the_commit_is_in_doubt) {
  Connection connection{database_->options()};
  Transaction transaction{connection, Transaction::Access::read_write};
  kill(connection);
  EXPECT_THROW(transaction.commit(), InDoubt);
}

TEST_F(ConnectionTest, to_a_closed_port_is_unavailable) {
  PostgresOptions options;
  options.url = Secret{"postgresql://127.0.0.1:1/nothing"};
  EXPECT_THROW(Connection{options}, Unavailable);
}

// Each attempt can fail at another point: while it connects, or just after.
TEST_F(ConnectionTest, that_breaks_while_it_is_opened_is_unavailable) {
  if (TestDatabase::pooled()) GTEST_SKIP() << "the gate is between the test and PostgreSQL itself";
  test::TcpGate gate{address()};
  const auto options = through(gate);
  std::atomic<bool> stop{false};
  std::jthread cutter{[&] {
    while (!stop) gate.cut_now();
  }};
  for (int attempt = 0; attempt < 100; ++attempt) {
    try {
      Connection connection{options};
    } catch (const Unavailable&) {
    }
  }
  stop = true;
}

// After a crash PostgreSQL warns its sessions before it ends them. libpq reads the warning, still
// reports the connection as open, and returns an error because the statement could not be sent.
TEST_F(ConnectionTest, that_broke_after_a_message_of_the_server_is_never_usable_again) {
  if (TestDatabase::pooled()) GTEST_SKIP() << "the gate is between the test and PostgreSQL itself";
  test::TcpGate gate{address()};
  const std::map<std::string, std::function<void(Connection&)>> calls{
      {"exec", [](Connection& connection) { connection.exec("select 1"); }},
      {"exec_params", [](Connection& connection) { connection.exec_params("select $1::int", 1); }},
      {"commit", [](Connection& connection) { connection.commit(); }}};
  for (const auto& [name, call] : calls) {
    SCOPED_TRACE(name);
    Connection connection{through(gate)};
    connection.exec("listen messages");
    database_->run("notify messages");
    while (connection.quiet()) std::this_thread::yield();
    gate.cut_now();
    EXPECT_THROW(call(connection), Unavailable);
    EXPECT_FALSE(connection.usable());
  }
}

TEST_F(ConnectionTest, reports_the_violated_constraint) {
  Connection connection{database_->options()};
  Transaction transaction{connection, Transaction::Access::read_write};
  try {
    connection.exec("insert into shops (name) values ('same'), ('same')");
    FAIL() << "two shops have one name";
  } catch (const ConstraintViolation& violation) {
    EXPECT_EQ(violation.constraint(), "shops_name");
  }
  EXPECT_TRUE(connection.usable());
}

TEST_F(ConnectionTest, statement_that_takes_too_long_is_unavailable) {
  PostgresOptions options = database_->options();
  options.statement_timeout = std::chrono::milliseconds{20};
  Connection connection{options};
  Transaction transaction{connection, Transaction::Access::read_only};
  EXPECT_THROW(connection.exec("select pg_sleep(10)"), Unavailable);
  EXPECT_TRUE(connection.usable());
}

TEST_F(ConnectionTest, wrong_statement_is_a_bug) {
  Connection connection{database_->options()};
  EXPECT_THROW(connection.exec("select nothing from nowhere"), std::logic_error);
}

/// Returns: the kind of exception for an error code of the server.
std::string kind_of(const PostgresOptions& options, const std::string& state) try {
  Connection connection{options};
  connection.exec("do $$ begin raise exception using errcode = '" + state + "'; end $$");
  return "nothing";
} catch (const LockTimeout&) {
  return "lock timeout";
} catch (const Unavailable&) {
  return "unavailable";
} catch (const Conflict&) {
  return "conflict";
} catch (const UniqueViolation&) {
  return "unique";
} catch (const ConstraintViolation&) {
  return "constraint";
} catch (const std::logic_error&) {
  return "bug";
}

// A retry can help with unavailable and conflict only.
TEST_F(ConnectionTest, separates_temporary_from_permanent_errors) {
  const std::map<std::string, std::vector<std::string>> expected{
      {"unavailable", {"08006", "53100", "53200", "53300", "57014", "57P03", "58030"}},
      {"lock timeout", {"55P03"}},
      {"conflict", {"40001", "40P01"}},
      {"unique", {"23505"}},
      {"constraint", {"23000", "23001", "23502", "23503", "23514", "23P01"}},
      {"bug",
       {"0A000", "21000", "22001", "22003", "22008", "22012", "22021", "22023", "22P02", "22P05",
        "2F005", "42501", "42601", "42703", "42883", "42P01", "54000", "P0001", "XX000"}},
  };
  for (const auto& [kind, states] : expected) {
    for (const auto& state : states) EXPECT_EQ(kind_of(database_->options(), state), kind) << state;
  }
}

TEST_F(ConnectionTest, optional_parameters_are_nulls) {
  Connection connection{database_->options()};
  const std::optional<std::string> absent;
  const std::optional<std::int64_t> number{7};
  const auto row = connection.exec_params("select $1::text, $2::bigint", absent, number)[0];
  EXPECT_TRUE(row[0].is_null());
  EXPECT_EQ(row[1].as<std::int64_t>(), 7);
}

TEST(ConnectionString, adds_defaults_to_the_url) {
  PostgresOptions options;
  options.url = Secret{"postgresql://a,b/shop?application_name=mine"};
  const std::string text = connection_string(options);
  EXPECT_THAT(text, testing::HasSubstr("application_name='mine'"));
  EXPECT_THAT(text, testing::HasSubstr("host='a,b'"));
  EXPECT_THAT(text, testing::HasSubstr("target_session_attrs='read-write'"));
  EXPECT_THAT(text, testing::HasSubstr("connect_timeout='3'"));
}

TEST(ConnectionString, escapes_values) {
  PostgresOptions options;
  options.url = Secret{"password='it\\'s \\\\ me' dbname=x"};
  EXPECT_THAT(connection_string(options), testing::HasSubstr("password='it\\'s \\\\ me'"));
}

TEST(ConnectionString, does_not_show_a_broken_url) {
  PostgresOptions options;
  options.url = Secret{"postgresql://user:secret@[/"};
  try {
    connection_string(options);
    FAIL() << "the URL is broken";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace codasync::storage::postgres
