#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/service/service.hpp"

// What people type, with the servers that the service has.

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

  /// Some products with valid GTINs of the prefix that is set aside for examples.
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

TEST_F(CommandLine, makes_shows_and_ends_tokens) {
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
  EXPECT_EQ(run({"token", "revoke", id}).status, 0) << "repeating it does no harm";
  EXPECT_EQ(run({"token", "revoke", "999999999"}).status, 1) << "there is no such token";
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
  EXPECT_EQ(run({"ledger", "close", "--before", month}).status, 0) << "repeating it does no harm";
}

TEST_F(CommandLine, imports_readings_and_names_each_row_that_it_refuses) {
  const auto readings =
      file("readings.csv", "shop;gtin;expiry_date;quantity;name;observed_at\r\n" + shop() +
                               ";4006381333931;2026-12-24;7;Tea;2026-11-01T08:00:00Z\r\n"
                               "999999;4006381333931;2026-12-24;1;Tea;\r\n" +
                               shop() + ";4006381333930;2026-12-24;1;Tea;\r\n" + shop() +
                               ";4006381333931;2026-02-29;1;Tea;\r\n" + shop() +
                               ";96385074;2026-12-24;1;;\r\n" + shop() +
                               ";4006381333931;2026-12-24;-1;Tea;\r\n");
  const auto first = run({"import", "stock-readings", readings});
  EXPECT_EQ(first.status, 0) << "refused rows do not fail the others";
  for (const auto* told : {"line 3: shop: ", "line 4: GTIN: ", "line 5: expiry_date: ",
                           "line 6: GTIN: ", "line 7: quantity: ", "1 applied"})
    EXPECT_THAT(first.output, HasSubstr(told));
  const auto reading = get("/api/v1/shops/" + shop() + "/stock/4006381333931");
  EXPECT_EQ(reading.text("expiry_date"), "2026-12-24");
  EXPECT_EQ(reading.number("quantity"), 7);

  const auto refused = scratch() + "/refused.csv";
  const auto again = run({"import", "stock-readings", readings, "--refused", refused});
  EXPECT_THAT(again.output, HasSubstr("0 applied"));
  EXPECT_THAT(again.output, Not(HasSubstr("line 3")));
  std::ifstream told{refused};
  std::string line;
  std::getline(told, line);
  EXPECT_EQ(line, "line,field,reason");
  EXPECT_EQ(std::count(std::istreambuf_iterator{told}, {}, '\n'), 5);
  EXPECT_EQ(get("/api/v1/shops/" + shop() + "/stock/4006381333931").body, reading.body);
}

TEST_F(CommandLine, shows_imported_products_to_readers_of_the_cache) {
  ASSERT_EQ(run({"import", "products", file("one.csv", "gtin,name\n4006381333931,Tea\n")}).status,
            0);
  const std::string path{"/api/v1/products/4006381333931"};
  get(path);
  EXPECT_EQ(get(path).text("name"), "Tea");
  // UTF-16 as spreadsheets write it, with tabs.
  std::string wide{"\xFF\xFE", 2};
  for (const char c : std::string{"GTIN\tName\r\n4006381333931\tGreen tea\r\n"}) wide += {c, '\0'};
  ASSERT_EQ(run({"import", "products", file("two.csv", wide)}).status, 0);
  EXPECT_EQ(get(path).text("name"), "Green tea");
}

TEST_F(CommandLine, goes_on_with_an_import_that_was_killed) {
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

TEST_F(CommandLine, says_that_an_import_stopped_and_what_to_do) {
  const auto catalogue = file("many.csv", many_products(200'000));
  auto import = start({"import", "products", catalogue});
  ASSERT_TRUE(eventually([&] { return std::stoi(products()) > 0 || import.poll(); }));
  postgres_gate().set(TcpGate::Mode::refuse);
  const auto stopped = finish(std::move(import));
  postgres_gate().set(TcpGate::Mode::pass);
  ASSERT_NE(products(), "200000") << "too few for an import that is stopped in between";
  EXPECT_EQ(stopped.status, 1);
  EXPECT_THAT(stopped.output, HasSubstr("run it again for the rest"));
}

TEST_F(CommandLine, draws_a_bar_on_a_terminal_and_none_elsewhere) {
  const auto catalogue = file("many.csv", many_products(50'000));
  const auto plain = run({"import", "products", catalogue});
  EXPECT_THAT(plain.output, Not(HasSubstr("%")));
  EXPECT_THAT(plain.output, HasSubstr("50000 products created"));
  // script(1) gives it a terminal.
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
  const auto well = run({"check"});
  EXPECT_EQ(well.status, 0) << well.output;
  EXPECT_THAT(well.output, HasSubstr("PostgreSQL  15"));
  EXPECT_THAT(well.output, HasSubstr("Memcached"));

  const auto secret = run({"check"}, {"CODASYNC_POSTGRES_URL=postgresql://u:hunter2@127.0.0.1:" +
                                      std::to_string(free_port()) + "/x"});
  EXPECT_EQ(secret.status, 1);
  EXPECT_THAT(secret.output, Not(HasSubstr("hunter2")));

  memcached().stop();
  EXPECT_EQ(run({"check"}).status, 1);
}

TEST_F(CommandLine, checks_that_the_server_keeps_what_it_commits) {
  const auto off = run({"check"});  // fsync is off on the server of the tests
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

TEST_F(CommandLine, names_every_setting_that_is_wrong_at_once) {
  const auto refused =
      run({"migrate"}, {"CODASYNC_POSTGRES_CONNECTIONS_MAX=0", "CODASYNC_LOG_LEVEL=loud"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.output, HasSubstr("postgres.connections_max"));
  EXPECT_THAT(refused.output, HasSubstr("loud"));
}

TEST_F(CommandLine, is_refused_with_a_word_when_it_is_none) {
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

}  // namespace
}  // namespace codasync::test
