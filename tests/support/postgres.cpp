#include "tests/support/postgres.hpp"

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace codasync::test {
namespace {

using namespace std::chrono_literals;

const std::string kPrograms = "/usr/lib/postgresql/15/bin/";

std::string contents(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Postgres::Postgres(const std::vector<std::string>& environment)
    : directory_{make_scratch_directory()} {
  give_to_servers(directory_);
  const auto data = directory_ + "/data";
  const auto log = directory_ + "/log";
  const auto fail = [&](const char* program) {
    throw std::runtime_error{std::string{program} + " failed:\n" + contents(log)};
  };
  Process made{as_server({kPrograms + "initdb", "-D", data, "--username=postgres", "--auth=trust",
                          "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"},
                         SIGKILL),
               {.environment = {}, .log = log}};
  if (made.wait(120s) != 0) fail("initdb");
  process_ = std::make_unique<Process>(
      as_server({kPrograms + "postgres", "-D", data, "-k", directory_, "-c",
                 "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=100"},
                SIGINT),
      Process::Options{.environment = environment, .log = log});
  const auto ready = [&] {
    if (process_->poll()) fail("postgres");
    Process asked{{kPrograms + "pg_isready", "--quiet", "--host", directory_}};
    return asked.wait(10s) == 0;
  };
  if (!eventually(ready, 60s)) fail("postgres");
}

Postgres::~Postgres() {
  process_->signal(SIGINT);
  process_->wait(30s);
  process_.reset();
  std::filesystem::remove_all(directory_);
}

std::string Postgres::url() const {
  return "postgresql:///postgres?host=" + directory_ + "&user=postgres";
}

}  // namespace codasync::test
