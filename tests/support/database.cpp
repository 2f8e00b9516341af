#include "tests/support/database.hpp"

#include <chrono>
#include <cstdlib>
#include <pqxx/pqxx>
#include <random>
#include <stdexcept>
#include <thread>

#include "storage/migrate.hpp"

namespace codasync::test {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string server_url() {
  std::string url = variable("CODASYNC_TEST_POSTGRES");
  if (url.empty()) {
    throw std::runtime_error{
        "CODASYNC_TEST_POSTGRES is not set: integration tests need the URL of a superuser on a "
        "temporary PostgreSQL server"};
  }
  return url;
}

std::string pgbouncer_url() { return variable("CODASYNC_TEST_PGBOUNCER"); }

// When a parameter occurs several times, libpq uses the last value.
std::string with_database(const std::string& url, const std::string& name) {
  if (url.find("://") == std::string::npos) return url + " dbname=" + name;
  const char separator = url.find('?') == std::string::npos ? '?' : '&';
  return url + separator + "dbname=" + name;
}

std::string random_name() {
  std::random_device random;
  return "codasync_test_" + std::to_string(random()) + "_" + std::to_string(random());
}

std::string run_at(const std::string& url, const std::string& sql) {
  pqxx::connection connection{url};
  pqxx::nontransaction session{connection};
  const pqxx::result rows = session.exec(sql);
  return rows.empty() || rows.columns() == 0 ? std::string{} : rows[0][0].c_str();
}

}  // namespace

TestDatabase::TestDatabase(Schema schema) : server_{server_url()}, name_{random_name()} {
  run_at(server_, "create database " + name_);
  if (schema == Schema::migrated) storage::migrate(options());
}

TestDatabase::~TestDatabase() {
  try {
    run_at(server_, "drop database " + name_ + " with (force)");
  } catch (const std::exception&) {
    // The server has stopped, and its data is deleted with it.
  }
}

std::string TestDatabase::url() const { return with_database(server_, name_); }

storage::PostgresOptions TestDatabase::options() const {
  storage::PostgresOptions options;
  options.url = Secret{with_database(pooled() ? pgbouncer_url() : server_, name_)};
  return options;
}

std::string TestDatabase::socket() const {
  pqxx::connection connection{options().url.reveal()};
  return "unix:" + std::string{connection.hostname()} + "/.s.PGSQL." + connection.port();
}

bool TestDatabase::pooled() { return !pgbouncer_url().empty(); }

std::string TestDatabase::run(const std::string& sql) const { return run_at(url(), sql); }

FsyncOn::FsyncOn(const TestDatabase& database) : database_{database} {
  database_.run("alter system set fsync = on");
  database_.run("select pg_reload_conf()");
  for (int i = 0; database_.run("show fsync") != "on"; ++i) {
    if (i == 1000) throw std::runtime_error{"fsync stays off: is it set on the command line?"};
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

FsyncOn::~FsyncOn() {
  try {
    database_.run("alter system reset fsync");
    database_.run("select pg_reload_conf()");
  } catch (const std::exception&) {
    // The server has stopped.
  }
}

}  // namespace codasync::test
