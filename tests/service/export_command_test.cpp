#include <filesystem>
#include <fstream>
#include <sstream>

#include "storage/ledger_check.hpp"
#include "tests/service/service.hpp"

// `codasync export`, and what an import makes of it.

namespace codasync::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ExportCommand : public ServiceTest {
 protected:
  ExportCommand() { do_not_compare_reads(); }

  [[nodiscard]] std::string path(const std::string& name) const { return scratch() + "/" + name; }

  static std::string contents(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
  }

  /// Returns: the records, from this database or from another one.
  std::string exported(const std::string& kind, const std::vector<std::string>& options = {},
                       const std::vector<std::string>& settings = {}) {
    std::vector<std::string> words{"export", kind, "--output", path("exported")};
    words.insert(words.end(), options.begin(), options.end());
    const auto done = run(words, settings);
    EXPECT_EQ(done.status, 0) << done.output;
    return contents(path("exported"));
  }

  void import(const std::string& kind, const std::string& text,
              const std::vector<std::string>& settings) {
    const auto file = path("imported.csv");
    std::ofstream{file, std::ios::binary} << text;
    const auto done = run({"import", kind, file}, settings);
    EXPECT_EQ(done.status, 0) << done.output;
  }

  /// Readings as several days of work leave them: dates with and without a kind, quantities, sales
  /// of the same second as the count, removed readings.
  void work() {
    database().run("insert into shops (name) values ('South')");
    const std::vector<std::string> items{
        R"({"id":"a","op":"record","shop":1,"GTIN":"9520000000004","name":"Tea, \"green\"","expiry_date":"2026-12-24","date_kind":"use_by","quantity":9,"observed_at":"2026-11-01T08:00:00Z"})",
        R"({"id":"b","op":"adjust","shop":1,"GTIN":"9520000000004","delta":-2,"observed_at":"2026-11-01T08:00:00Z"})",
        R"({"id":"c","op":"adjust","shop":1,"GTIN":"9520000000004","delta":-3,"observed_at":"2026-11-02T08:00:00.25Z"})",
        R"({"id":"d","op":"record","shop":2,"GTIN":"9520000000011","name":"Oats","quantity":0,"observed_at":"2026-11-01T08:00:00Z"})",
        R"({"id":"e","op":"record","kind":"check","shop":2,"GTIN":"9520000000028","name":"Milk","expiry_date":"2027-02-28","observed_at":"2026-11-01T08:00:00Z"})",
        R"({"id":"f","op":"record","kind":"count","shop":1,"GTIN":"9520000000028","name":"Milk","quantity":5,"observed_at":"2026-11-01T09:00:00Z"})",
        R"({"id":"g","op":"record","shop":1,"GTIN":"9520000000035","name":"Bread","expiry_date":"2026-12-01","observed_at":"2026-11-01T09:00:00Z"})",
        R"({"id":"h","op":"remove","shop":1,"GTIN":"9520000000035","observed_at":"2026-11-01T10:00:00Z"})",
        R"({"id":"i","op":"record","kind":"check","shop":1,"GTIN":"9520000000042","name":"Empty shelf","expiry_date":null,"observed_at":"2026-11-01T09:00:00Z"})"};
    std::string list;
    for (const auto& item : items) list += (list.empty() ? "" : ",") + item;
    const auto sent = post("/api/v1/stock-readings/batch", R"({"items":[)" + list + "]}", admin());
    EXPECT_EQ(sent.status, 200) << sent.body;
    EXPECT_THAT(sent.body, Not(HasSubstr("rejected")));
  }
};

TEST_F(ExportCommand, writes_csv_that_an_import_reads_back_byte_for_byte) {
  work();
  const auto products = exported("products");
  const auto readings = exported("stock-readings");
  EXPECT_THAT(products,
              StartsWith("GTIN,name,brand,category\n9520000000004,\"Tea, \"\"green\"\"\","));
  EXPECT_THAT(readings, HasSubstr("1,9520000000004,\"Tea, \"\"green\"\"\",2026-12-24,use_by,4,"
                                  "sighting,2026-11-02T08:00:00.250001Z\n"));
  EXPECT_THAT(readings, Not(HasSubstr("Bread"))) << "it was removed";

  const TestDatabase other;
  other.run("insert into shops (name) values ('North'), ('South')");
  const std::vector<std::string> there{"CODASYNC_POSTGRES_URL=" + other.url()};
  import("products", products, there);
  import("stock-readings", readings, there);
  EXPECT_EQ(exported("products", {}, there), products);
  EXPECT_EQ(exported("stock-readings", {}, there), readings);
}

TEST_F(ExportCommand, writes_events_that_an_import_reads_back_byte_for_byte) {
  work();
  const auto id = get("/api/v1/shops/1/stock/9520000000004").number("id");
  const auto history = "/api/v1/stock-readings/" + std::to_string(id) + "/history";
  EXPECT_EQ(del(history + "/" + get(history, staff()).text("id"), admin()).status, 204);
  // So many that their summaries are sealed. Each has the id of a name.
  std::string sales;
  for (int i = 0; i < 999; ++i) {
    sales += (sales.empty() ? "" : ",") + std::string{R"({"id":")"} + std::to_string(i) +
             R"(","op":"adjust","shop":1,"GTIN":"9520000000004","reason":"=why","delta":)" +
             (i % 2 == 0 ? "1" : "-1") + R"(,"observed_at":"2026-11-03T08:)" +
             std::to_string(10 + i / 50) + ":" + std::to_string(10 + i % 50) + "Z\"}";
  }
  const auto sold = post("/api/v1/stock-readings/batch", R"({"items":[)" + sales + "]}", admin());
  ASSERT_THAT(sold.body, Not(HasSubstr("rejected")));
  // What arrives before anything is recorded has version 0: a sale, voids that wait for a count,
  // for nothing, and for another void.
  const auto id_of = [](int n) {
    return "00000000-0000-4000-8000-00000000000" + std::to_string(n);
  };
  std::string early;
  const auto add = [&](int n, const std::string& gtin, const std::string& fields) {
    early += (early.empty() ? "" : ",") + (R"({"id":")" + id_of(n)) + R"(","GTIN":")" + gtin +
             R"(","observed_at":"2026-11-04T08:00:0)" + std::to_string(n) + R"(Z",)" + fields + "}";
  };
  const auto void_of = [&](int n) {
    return R"("kind":"void","voids_operation":")" + id_of(n) + '"';
  };
  add(1, "9520000000004", R"("kind":"adjust","delta":2)");
  add(2, "9520000000004", void_of(3));
  add(3, "9520000000004", R"("kind":"count","quantity":9)");
  add(4, "9520000000035", void_of(9));
  add(5, "9520000000042", void_of(7));
  add(6, "9520000000042", R"("kind":"count","quantity":9)");
  add(7, "9520000000042", void_of(6));
  const auto synced =
      post("/api/v1/sync",
           R"({"shop":2,"device":")" + id_of(0) + R"(","operations":[)" + early + "]}", admin());
  ASSERT_EQ(synced.status, 200) << synced.body;
  ASSERT_THAT(synced.body, Not(HasSubstr("rejected")));
  const auto products = exported("products");
  const auto readings = exported("stock-readings");
  const auto events = exported("events");
  ASSERT_GT(std::count(events.begin(), events.end(), '\n'), 1000);

  const TestDatabase other;
  other.run("insert into shops (name) values ('North'), ('South')");
  const std::vector<std::string> there{"CODASYNC_POSTGRES_URL=" + other.url()};
  import("products", products, there);
  for (int i = 0; i < 2; ++i) {
    import("events", events, there);
    EXPECT_TRUE(exported("events", {}, there) == events) << i;
    EXPECT_EQ(exported("stock-readings", {}, there), readings) << i;
  }
  const auto counts = storage::check_ledger(
      other.options(), nullptr,
      [](const storage::LedgerDifference& difference) { ADD_FAILURE() << difference.what.front(); },
      [](const storage::LedgerCheckCounts&) {});
  EXPECT_EQ(counts.checked, 9U);

  // Where they come from, all are known.
  import("events", events, {});
  EXPECT_TRUE(exported("events") == events);
}

TEST_F(ExportCommand, of_events_is_refused_where_it_does_not_belong) {
  work();
  const auto events = exported("events");
  const auto first = events.substr(0, events.find('\n') + 1);
  const auto file = path("events.csv");
  const auto import_into = [&](const TestDatabase& there, const std::string& text) {
    std::ofstream{file, std::ios::binary} << text;
    return run({"import", "events", file}, {"CODASYNC_POSTGRES_URL=" + there.url()});
  };
  const TestDatabase other;
  EXPECT_THAT(import_into(other, events).output, HasSubstr("There is no shop with this id."));
  other.run("insert into shops (name) values ('North'), ('South')");
  const auto without = import_into(other, events);
  EXPECT_EQ(without.status, 1);
  EXPECT_THAT(without.output, HasSubstr("Import the products first."));
  std::ofstream{path("products.csv"), std::ios::binary} << exported("products");
  ASSERT_EQ(
      run({"import", "products", path("products.csv")}, {"CODASYNC_POSTGRES_URL=" + other.url()})
          .status,
      0);

  auto damaged = events;
  damaged.replace(damaged.find("9520000000011"), 13, "9520000000012");
  const auto partly = import_into(other, damaged);
  EXPECT_EQ(partly.status, 3);
  EXPECT_THAT(partly.output, HasSubstr("GTIN"));
  EXPECT_EQ(other.run("select count(*) from stock_readings"), "4")
      << "nor the reading before, whose event it may be";
  EXPECT_EQ(import_into(other, events).status, 0) << "the rest";
  EXPECT_TRUE(exported("events", {}, {"CODASYNC_POSTGRES_URL=" + other.url()}) == events);

  EXPECT_THAT(import_into(other, "GTIN,name\n9520000000004,Tea\n").output,
              HasSubstr("This is no export of events"));
  EXPECT_EQ(import_into(other, first).status, 1) << "no rows";
  // A reading that has another history.
  auto changed = events;
  const auto at = changed.find(",9520000000035,remove");
  changed.erase(changed.rfind('\n', at) + 1, changed.find('\n', at) - changed.rfind('\n', at));
  const TestDatabase third;
  third.run("insert into shops (name) values ('North'), ('South')");
  run({"import", "products", path("products.csv")}, {"CODASYNC_POSTGRES_URL=" + third.url()});
  ASSERT_EQ(import_into(third, changed).status, 0);
  EXPECT_THAT(import_into(third, events).output, HasSubstr("has events already"));
}

TEST_F(ExportCommand, as_json_lines_is_read_back_too) {
  work();
  post("/api/v1/products", R"-({"GTIN":"9520000000059","name":"'=1","brand":"'s-Hof"})-", admin());
  const auto products = exported("products", {"--format", "ndjson"});
  const auto readings = exported("stock-readings", {"--format", "ndjson"});
  const TestDatabase other;
  other.run("insert into shops (name) values ('North'), ('South')");
  const std::vector<std::string> there{"CODASYNC_POSTGRES_URL=" + other.url()};
  import("products", products, there);
  import("stock-readings", readings, there);
  EXPECT_EQ(exported("products", {"--format", "ndjson"}, there), products);
  EXPECT_EQ(exported("stock-readings", {"--format", "ndjson"}, there), readings);
}

TEST_F(ExportCommand, changes_no_date_and_no_quantity_when_it_is_read_back_where_it_comes_from) {
  work();
  const std::string state{
      "select string_agg(concat_ws(' ', shop_id, gtin, expiry_date, date_kind, quantity, present), "
      "', ' order by id) from stock_readings"};
  const auto before = database().run(state);
  const auto readings = exported("stock-readings");
  for (int i = 0; i < 2; ++i) {
    import("stock-readings", readings, {});
    EXPECT_EQ(database().run(state), before);
    EXPECT_EQ(exported("stock-readings"), readings);
  }
}

TEST_F(ExportCommand, writes_one_object_per_line) {
  work();
  const auto events = exported("events", {"--format", "ndjson", "--shop", "2"});
  EXPECT_EQ(std::count(events.begin(), events.end(), '\n'), 2) << events;
  EXPECT_THAT(events, HasSubstr(R"("shop":2,"GTIN":"9520000000011","kind":"count",)"
                                R"("expiry_date":null,"date_kind":null,"quantity":0,)"
                                R"("delta":null,"observed_at":"2026-11-01T08:00:00Z",)"));
}

TEST_F(ExportCommand, protects_names_from_spreadsheets) {
  post("/api/v1/products", R"-({"GTIN":"9520000000004","name":"=HYPERLINK(\"http://x\")"})-",
       admin());
  EXPECT_THAT(exported("products"), HasSubstr("9520000000004,\"'=HYPERLINK(\"\"http://x\"\")\","));
}

TEST_F(ExportCommand, leaves_an_existing_file_as_it_is_when_it_fails) {
  const auto file = path("kept.csv");
  std::ofstream{file} << "kept\n";
  const auto failed =
      run({"export", "products", "--output", file},
          {"CODASYNC_POSTGRES_URL=postgresql://127.0.0.1:" + std::to_string(free_port()) + "/x"});
  EXPECT_EQ(failed.status, 1);
  EXPECT_EQ(contents(file), "kept\n");
  EXPECT_FALSE(fs::exists(file + ".part"));

  const auto nowhere = run({"export", "products", "--output", scratch() + "/no/such/folder/x"});
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_THAT(nowhere.output, HasSubstr("cannot write " + scratch() + "/no/such/folder/x: "));
  EXPECT_EQ(run({"export", "products", "--output", "/dev/full"}).status, 1);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(ExportCommand, writes_to_stdout_and_shows_progress_only_on_a_terminal) {
  work();
  const auto plain = run({"export", "products"});
  EXPECT_EQ(plain.status, 0);
  EXPECT_THAT(plain.output, StartsWith("GTIN,"));
  EXPECT_THAT(plain.output, Not(HasSubstr("records")));
  const auto to_file = run({"export", "products", "--output", path("x.csv")});
  EXPECT_THAT(to_file.output, HasSubstr("5 records ("));
}

}  // namespace
}  // namespace codasync::test
