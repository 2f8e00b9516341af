#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "storage/postgres/transaction.hpp"
#include "tests/service/service.hpp"
#include "tests/transport/client.hpp"

// The commands, on the same servers as a running service.

namespace codasync::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class CommandLine : public ServiceTest {
 protected:
  /// Writes a file. Returns: its path.
  [[nodiscard]] std::string file(const std::string& name, const std::string& bytes) const {
    const auto path = scratch() + "/" + name;
    std::ofstream{path, std::ios::binary} << bytes;
    return path;
  }

  /// Returns: a CSV file of products with valid GTINs of the prefix reserved for examples.
  [[nodiscard]] static std::string many_products(std::size_t count) {
    std::string text{"gtin,name\n"};
    for (std::size_t i = 0; i < count; ++i) {
      const auto body = std::to_string(952'000'000'000 + i);
      int sum = 0;
      for (std::size_t digit = 0; digit < body.size(); ++digit)
        sum += (body[digit] - '0') * (digit % 2 == 0 ? 1 : 3);
      text += body + std::to_string((10 - sum % 10) % 10) + ",Product " + std::to_string(i) + "\n";
    }
    return text;
  }

  [[nodiscard]] std::string products() {
    return database().run("select count(*) from products where removed_at is null");
  }
};

TEST_F(CommandLine, creates_lists_and_revokes_tokens) {
  const auto made =
      run({"token", "create", "--name", "Till 3", "--role", "staff", "--shop", shop()});
  ASSERT_EQ(made.status, 0) << made.output;
  const auto secret = made.output.substr(made.output.find("coda_"));
  const httplib::Headers till{{"Authorization", "Bearer " + secret.substr(0, secret.find('\n'))}};
  const auto body = R"({"shop":)" + shop() + R"(,"GTIN":"4006381333931","name":"Tea"})";
  EXPECT_EQ(post("/api/v1/stock-readings", body, till).status, 201);

  const auto listed = run({"token", "list"});
  EXPECT_EQ(listed.status, 0);
  EXPECT_THAT(listed.output, HasSubstr("Till 3"));
  EXPECT_THAT(listed.output, Not(HasSubstr("coda_")));

  const auto id = database().run("select id from tokens where name = 'Till 3'");
  EXPECT_EQ(run({"token", "revoke", id}).status, 0);
  EXPECT_EQ(post("/api/v1/stock-readings", body, till).status, 401);
  EXPECT_EQ(run({"token", "revoke", id}).status, 0) << "it can be repeated";
  EXPECT_EQ(run({"token", "revoke", "999999999"}).status, 1) << "the token does not exist";
  EXPECT_EQ(run({"token", "create", "--name", "\x1b[31m", "--role", "staff"}).status, 2);
  EXPECT_EQ(run({"token", "create", "--name", "x", "--role", "king"}).status, 2);
  EXPECT_EQ(run({"token", "create", "--name", "x", "--role", "7"}).status, 2);
}

TEST_F(CommandLine, closes_the_ledger_at_the_first_day_of_a_month) {
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  post("/api/v1/stock-readings",
       R"({"shop":)" + shop() +
           R"(,"GTIN":"4006381333931","quantity":7,"observed_at":"2026-01-31T10:00:00Z"})",
       staff());
  const auto before = get(reading).body;
  const auto month = database().run("select to_char(now() at time zone 'UTC', 'YYYY-MM-01')");
  EXPECT_EQ(run({"ledger", "close", "--before", "soon"}).status, 2);
  const auto refused = run({"ledger", "close", "--before", "2026-01-15"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.output, HasSubstr("first day of a month"));

  const auto closed = run({"ledger", "close", "--before", month});
  EXPECT_EQ(closed.status, 0) << closed.output;
  EXPECT_THAT(closed.output, HasSubstr("closed until " + month));
  EXPECT_EQ(get(reading).body, before);
  EXPECT_EQ(get(reading + "/history", staff()).header("History-Begins"), month + "T00:00:00Z");
  const auto old =
      post("/api/v1/stock-readings",
           R"({"shop":)" + shop() +
               R"(,"GTIN":"4006381333931","quantity":9,"observed_at":"2026-01-31T11:00:00Z"})",
           staff());
  EXPECT_EQ(old.status, 422);
  EXPECT_THAT(old.text("detail"), HasSubstr(month));
  EXPECT_EQ(run({"ledger", "close", "--before", month}).status, 0) << "it can be repeated";
}

TEST_F(CommandLine, imports_readings_and_reports_each_refused_row) {
  const auto readings =
      file("readings.csv", "shop;gtin;expiry_date;quantity;name;observed_at\r\n" + shop() +
                               ";4006381333931;2026-12-24;7;Tea;2026-11-01T08:00:00Z\r\n"
                               "999999;4006381333931;2026-12-24;1;Tea;\r\n" +
                               shop() + ";4006381333930;2026-12-24;1;Tea;\r\n" + shop() +
                               ";4006381333931;2026-02-29;1;Tea;\r\n" + shop() +
                               ";96385074;2026-12-24;1;;\r\n" + shop() +
                               ";4006381333931;2026-12-24;-1;Tea;\r\n");
  const auto first = run({"import", "stock-readings", readings});
  EXPECT_EQ(first.status, 3) << "a refused row does not affect the others";
  for (const auto* part : {"line 3: shop: ", "line 4: GTIN: ", "line 5: expiry_date: ",
                           "line 6: GTIN: ", "line 7: quantity: ", "1 applied"})
    EXPECT_THAT(first.output, HasSubstr(part));
  const auto reading = get("/api/v1/shops/" + shop() + "/stock/4006381333931");
  EXPECT_EQ(reading.text("expiry_date"), "2026-12-24");
  EXPECT_EQ(reading.number("quantity"), 7);

  const auto refused = scratch() + "/refused.csv";
  const auto again = run({"import", "stock-readings", readings, "--refused", refused});
  EXPECT_THAT(again.output, HasSubstr("0 applied"));
  EXPECT_THAT(again.output, Not(HasSubstr("line 3")));
  std::ifstream rows{refused};
  std::string line;
  std::getline(rows, line);
  EXPECT_EQ(line, "line,field,reason");
  EXPECT_EQ(std::count(std::istreambuf_iterator{rows}, {}, '\n'), 5);
  EXPECT_EQ(get("/api/v1/shops/" + shop() + "/stock/4006381333931").body, reading.body);
}

TEST_F(CommandLine, updates_the_cache_of_a_running_service_by_an_import) {
  ASSERT_EQ(run({"import", "products", file("one.csv", "gtin,name\n4006381333931,Tea\n")}).status,
            0);
  const std::string path{"/api/v1/products/4006381333931"};
  get(path);
  EXPECT_EQ(get(path).text("name"), "Tea");
  // UTF-16 with tabs, as spreadsheets export it.
  std::string wide{"\xFF\xFE", 2};
  for (const char c : std::string{"GTIN\tName\r\n4006381333931\tGreen tea\r\n"}) wide += {c, '\0'};
  ASSERT_EQ(run({"import", "products", file("two.csv", wide)}).status, 0);
  EXPECT_EQ(get(path).text("name"), "Green tea");
}

TEST_F(CommandLine, completes_an_import_that_was_killed) {
  const auto catalogue = file("many.csv", many_products(20'000));
  {
    auto import = start({"import", "products", catalogue});
    ASSERT_TRUE(eventually([&] { return std::stoi(products()) > 0 || import.poll(); }));
    import.kill();
  }
  std::cout << products() << " products when it was killed\n";
  const auto again = run({"import", "products", catalogue});
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_EQ(products(), "20000");
}

TEST_F(CommandLine, reports_that_an_import_stopped_and_how_to_continue) {
  const auto catalogue = file("many.csv", many_products(200'000));
  auto import = start({"import", "products", catalogue});
  ASSERT_TRUE(eventually([&] { return std::stoi(products()) > 0 || import.poll(); }));
  postgres_gate().set(TcpGate::Mode::refuse);
  const auto stopped = finish(std::move(import));
  postgres_gate().set(TcpGate::Mode::pass);
  ASSERT_NE(products(), "200000")
      << "the import ended before it was stopped; it needs more products";
  EXPECT_EQ(stopped.status, 1);
  EXPECT_THAT(stopped.output, HasSubstr("run it again to load the rest"));
}

TEST_F(CommandLine, shows_progress_only_on_a_terminal) {
  const auto catalogue = file("many.csv", many_products(50'000));
  const auto plain = run({"import", "products", catalogue});
  EXPECT_THAT(plain.output, Not(HasSubstr("%")));
  EXPECT_THAT(plain.output, HasSubstr("50000 products created"));
  // script(1) provides a terminal.
  const auto drawn = finish(start_program(
      {"script", "--quiet", "--return", "--command",
       std::string{CODASYNC_PROGRAM} + " import products " + catalogue, "/dev/null"}));
  EXPECT_EQ(drawn.status, 0) << drawn.output;
  EXPECT_THAT(drawn.output, HasSubstr("#"));
  EXPECT_THAT(drawn.output, HasSubstr(" % "));
  EXPECT_THAT(drawn.output, HasSubstr("50000 unchanged"));
}

TEST_F(CommandLine, checks_settings_and_servers_and_shows_no_password) {
  const FsyncOn fsync{database()};
  const auto good = run({"check"});
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_THAT(good.output, HasSubstr("PostgreSQL  15"));
  EXPECT_THAT(good.output, HasSubstr("Memcached"));

  const auto secret = run({"check"}, {"CODASYNC_POSTGRES_URL=postgresql://u:hunter2@127.0.0.1:" +
                                      std::to_string(free_port()) + "/x"});
  EXPECT_EQ(secret.status, 1);
  EXPECT_THAT(secret.output, Not(HasSubstr("hunter2")));
  EXPECT_THAT(secret.output, HasSubstr("postgresql://u:********@127.0.0.1:"));
  EXPECT_THAT(secret.output, HasSubstr("Start it, or correct postgres.url"));

  memcached().stop();
  EXPECT_EQ(run({"check"}).status, 1);
}

TEST_F(CommandLine, prints_the_check_as_json) {
  const auto checked = run({"check", "--json"}).output;
  EXPECT_THAT(checked,
              HasSubstr(R"({"name":"log.level","value":"debug","source":"CODASYNC_LOG_LEVEL"})"));
  EXPECT_THAT(checked, HasSubstr(R"("problems":["PostgreSQL has fsync = off)"));
}

TEST_F(CommandLine, finds_settings_of_postgresql_that_break_a_promise) {
  const FsyncOn fsync{database()};
  const auto with = [&](const std::string& setting) {
    database().run("alter database " + database().name() + " set " + setting);
    const auto checked = run({"check"});
    const auto name = setting.substr(0, setting.find(' '));
    database().run("begin; set transaction read write; alter database " + database().name() +
                   " reset " + name + "; commit");
    EXPECT_EQ(checked.status, 1) << checked.output;
    EXPECT_THAT(checked.output, HasSubstr("problem: PostgreSQL has " + name));
    EXPECT_THAT(checked.output, HasSubstr("pg_settings where name = '" + name + "'"));
  };
  with("default_transaction_isolation = 'serializable'");
  with("default_transaction_isolation = 'repeatable read'");
  with("synchronous_commit = off");
  EXPECT_EQ(run({"check"}).status, 0);
}

TEST_F(CommandLine, finds_options_of_memcached_that_break_the_cache) {
  const FsyncOn fsync{database()};
  for (const auto& [option, why] : std::map<std::string, std::string>{
           {"-C", "check-and-set"}, {"-M", "refuses new entries"}, {"-F", "cannot be emptied"}}) {
    const Memcached other{{option}};
    const auto checked = run({"check"}, {"CODASYNC_MEMCACHED_SERVERS=" + other.address()});
    EXPECT_EQ(checked.status, 1) << checked.output;
    EXPECT_THAT(checked.output,
                HasSubstr("Memcached at " + other.address() + " was started with " + option));
    EXPECT_THAT(checked.output, HasSubstr(why));
  }
}

TEST_F(CommandLine, checks_the_ledger_also_where_something_else_is_wrong) {
  const auto checked = run({"check", "--deep"});  // the test server has fsync = off
  EXPECT_EQ(checked.status, 1) << checked.output;
  EXPECT_THAT(checked.output, HasSubstr("problem: PostgreSQL has fsync = off"));
  EXPECT_THAT(checked.output, HasSubstr("Ledger "));
}

TEST_F(CommandLine, checks_that_commits_are_durable) {
  const auto off = run({"check"});  // the test server has fsync = off
  EXPECT_EQ(off.status, 1) << off.output;
  EXPECT_THAT(off.output, HasSubstr("problem: PostgreSQL has fsync = off"));
  EXPECT_THAT(off.output, HasSubstr("alter system set fsync = on"));

  const FsyncOn fsync{database()};
  EXPECT_EQ(run({"check"}).status, 0);
  database().run("alter database " + database().name() + " set synchronous_commit = off");
  const auto asynchronous = run({"check"});
  EXPECT_EQ(asynchronous.status, 1) << asynchronous.output;
  EXPECT_THAT(asynchronous.output, HasSubstr("problem: PostgreSQL has synchronous_commit = off"));
  EXPECT_THAT(asynchronous.output, Not(HasSubstr("fsync = off")));
}

TEST_F(CommandLine, serve_reads_the_log_level_again_on_sighup_and_continues) {
  const auto file = scratch() + "/reloaded.toml";
  const auto port = free_port();
  const auto write_level = [&](const std::string& level) {
    std::ofstream{file} << "[log]\nlevel = \"" << level << "\"\n";
  };
  write_level("warning");
  auto serving =
      start({"--config", file, "serve"},
            {"CODASYNC_LOG_LEVEL=", "CODASYNC_SERVER_LISTEN=127.0.0.1:" + std::to_string(port)});
  Connection client{port};
  const auto log_has = [&](const std::string& text) {
    client.send("GET", "/healthz", "", {});
    return command_log().find(text) != std::string::npos;
  };
  ASSERT_TRUE(eventually([&] { return client.send("GET", "/readyz", "", {}).status == 200; }));
  EXPECT_FALSE(log_has("\"answered\""));
  write_level("debug");
  serving.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return log_has("\"answered\""); }));
  write_level("loud");
  serving.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return log_has("the settings were not reloaded"); }));
  EXPECT_EQ(client.send("GET", "/healthz", "", {}).status, 200);
  serving.signal(SIGTERM);
  EXPECT_EQ(serving.wait(std::chrono::seconds{30}), 0);
}

TEST_F(CommandLine, serve_without_a_schema_is_not_ready_and_says_what_to_do) {
  const TestDatabase empty{TestDatabase::Schema::none};
  const auto port = free_port();
  auto serving = start({"serve"}, {"CODASYNC_POSTGRES_URL=" + empty.options().url.reveal(),
                                   "CODASYNC_SERVER_LISTEN=127.0.0.1:" + std::to_string(port)});
  Connection client{port};
  ASSERT_TRUE(eventually([&] { return client.send("GET", "/healthz", "", {}).status == 200; }));
  EXPECT_EQ(client.send("GET", "/readyz", "", {}).status, 503);
  EXPECT_EQ(client.send("GET", "/api/v1/shops/1", "", {}).status, 503);
  EXPECT_EQ(client.send("GET", "/api/v1/shops", "", {}).status, 503);
  EXPECT_TRUE(
      eventually([&] { return command_log().find("codasync migrate") != std::string::npos; }));
  serving.signal(SIGTERM);
  EXPECT_EQ(serving.wait(std::chrono::seconds{30}), 0);
}

// The scrape waits for the database, and its remaining parts run after the server has ended.
TEST_F(CommandLine, serve_ends_in_order_when_a_scrape_is_still_running) {
  const auto port = free_port();
  const auto address = "127.0.0.1:" + std::to_string(port);
  auto serving = start(
      {"serve"}, {"CODASYNC_SERVER_LISTEN=" + address, "CODASYNC_API_SHUTDOWN_GRACE=0ms",
                  "CODASYNC_POSTGRES_STATEMENT_TIMEOUT=60s", "CODASYNC_POSTGRES_LOCK_TIMEOUT=30s"});
  Connection probe{port};
  ASSERT_TRUE(eventually([&] { return probe.send("GET", "/readyz", "", {}).status == 200; }));
  storage::postgres::Connection connection{database().options()};
  std::optional<storage::postgres::Transaction> lock;
  lock.emplace(connection, storage::postgres::Transaction::Access::read_write,
               "lock table stock_readings in access exclusive mode");
  Client scrape{address};
  scrape.send_get("/metrics");
  ASSERT_TRUE(eventually([&] {
    return database().run(
               "select count(*) from pg_stat_activity where datname = "
               "current_database() and wait_event_type = 'Lock'") == "1";
  }));

  serving.signal(SIGTERM);
  EXPECT_TRUE(scrape.closed_by_server());
  lock.reset();
  EXPECT_EQ(serving.wait(std::chrono::seconds{30}), 1) << "one request was left unanswered";
}

TEST_F(CommandLine, serve_takes_a_live_unix_socket_over_only_with_an_option) {
  const std::string path = scratch() + "/service.sock";
  const std::vector<std::string> on_path{"CODASYNC_SERVER_LISTEN=unix:" + path};
  const auto health = [&] {
    try {
      Client client{"unix:" + path};
      client.send_get("/healthz");
      const auto received = client.receive();
      return received ? received->status : 0;
    } catch (const std::runtime_error&) {
      return 0;
    }
  };
  auto first = start({"serve"}, on_path);
  ASSERT_TRUE(eventually([&] { return health() == 200; }));

  const auto second = run({"serve"}, on_path);
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.output, HasSubstr("unix:" + path));
  EXPECT_THAT(second.output, HasSubstr("--take-over"));
  EXPECT_EQ(health(), 200);

  struct stat before {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  auto successor = start({"serve", "--take-over"}, on_path);
  ASSERT_TRUE(eventually([&] {
    struct stat now {};
    return ::stat(path.c_str(), &now) == 0 && now.st_ino != before.st_ino;
  }));
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(std::chrono::seconds{30}), 0);
  EXPECT_EQ(health(), 200) << "the first process removed the socket of its successor";
  successor.signal(SIGTERM);
  EXPECT_EQ(successor.wait(std::chrono::seconds{30}), 0);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(CommandLine, reports_all_invalid_settings_together) {
  const auto refused =
      run({"migrate"}, {"CODASYNC_POSTGRES_CONNECTIONS_MAX=0", "CODASYNC_LOG_LEVEL=loud"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.output, HasSubstr("postgres.connections_max"));
  EXPECT_THAT(refused.output, HasSubstr("loud"));
}

TEST_F(CommandLine, reports_a_command_line_that_is_not_valid) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"fly"},
                                                {"import"},
                                                {"import", "products"},
                                                {"import", "products", "/no/such/file"},
                                                {"token", "revoke", "x"},
                                                {"serve", "--fast"}}) {
    const auto refused = run(words);
    EXPECT_EQ(refused.status, 2) << testing::PrintToString(words) << refused.output;
    EXPECT_FALSE(refused.output.empty());
  }
}

TEST_F(CommandLine, prints_a_settings_file) {
  const auto printed = run({"settings"}, {"CODASYNC_EXECUTOR_THREADS=0"});
  EXPECT_EQ(printed.status, 0);
  EXPECT_THAT(printed.output, HasSubstr("\n[executor]\n"));
  EXPECT_THAT(printed.output, HasSubstr("\nthreads = 8\n")) << "the default";
}

TEST_F(CommandLine, prints_its_version) {
  const auto printed = run({"--version"});
  EXPECT_EQ(printed.status, 0);
  EXPECT_THAT(printed.output, testing::MatchesRegex("codasync [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

}  // namespace
}  // namespace codasync::test
