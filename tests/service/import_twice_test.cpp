#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/service/import_fixture.hpp"

// Importing a file twice is importing it once.

namespace codasync::test {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::HasSubstr;

constexpr const char* kFirstGtin = "9520000000004";

class ImportTwice : public ImportTest {
 protected:
  static std::string contents(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  /// Rows of a few readings at a few moments, so that many are observed at the same one; some say
  /// the same, and some are refused.
  [[nodiscard]] std::vector<std::string> rows_of_readings() const {
    std::vector<std::string> rows;
    const std::vector<std::string> dates{"2026-12-24", "2026-12-20", "2027-01-31", ""};
    const std::vector<std::string> kinds{"use_by", "", "best_before"};
    for (int i = 0; i < 400; ++i) {
      const auto& date = dates[static_cast<std::size_t>(i / 3 % 4)];
      const auto& date_kind = date.empty() ? "" : kinds[static_cast<std::size_t>(i / 5 % 3)];
      const std::string kind = i % 4 == 0 ? "check" : i % 4 == 1 && date.empty() ? "count" : "";
      const auto quantity = i % 3 == 0 && kind != "count" ? "" : std::to_string(i * 7 % 12);
      rows.push_back(shop() + "," + some_gtins()[static_cast<std::size_t>(i * i % 7)] + "," + date +
                     "," + date_kind + "," + quantity + "," + kind + ",2026-11-01T08:00:0" +
                     std::to_string(i / 11 % 6) + "Z,Tea");
    }
    const auto row = [&](const std::string& which, const std::string& rest) {
      rows.push_back(which + "," + rest);
    };
    row("999999", "9520000000004,2026-12-24,,1,,2026-11-01T08:00:00Z,Tea");
    row(shop(), "9520000000005,2026-12-24,,1,,2026-11-01T08:00:00Z,Tea");
    row(shop(), "9520000000097,2026-12-24,,1,,2026-11-01T08:00:00Z,");
    row(shop(), "9520000000004,2026-02-29,,1,,2026-11-01T08:00:00Z,Tea");
    row(shop(), "9520000000004,2026-12-24,,-1,,2026-11-01T08:00:00Z,Tea");
    row(shop(), "9520000000004,,,1,adjust,2026-11-01T08:00:00Z,Tea");
    row(shop(), "9520000000004,2026-12-24,,1,,1999-11-01T08:00:00Z,Tea");
    return rows;
  }
  static constexpr std::size_t kRefusedRows = 7;

  std::string write_readings(const std::string& name, const std::vector<std::string>& rows) {
    std::string text{"shop,gtin,expiry_date,date_kind,quantity,kind,observed_at,name\n"};
    for (const auto& row : rows) text += row + "\n";
    return write(name, text);
  }
};

TEST_F(ImportTwice, records_rows_with_observed_at_once) {
  auto rows = rows_of_readings();
  const auto distinct = std::set<std::string>(rows.begin(), rows.end()).size() - kRefusedRows;
  const auto path = write_readings("readings.csv", rows);
  const auto first = import("stock-readings", path);
  ASSERT_EQ(first.status, 3) << first.output;
  EXPECT_EQ(first.refused.size(), 1 + kRefusedRows) << testing::PrintToString(first.refused);
  EXPECT_EQ(database().run("select count(*) from stock_events"), std::to_string(distinct));
  const auto before = dump();

  const auto nothing_new = "0 applied, 0 changed nothing, " +
                           std::to_string(rows.size() - kRefusedRows) +
                           " already recorded, 0 failed";
  const auto second = import("stock-readings", path);
  EXPECT_EQ(second.status, 3);
  EXPECT_THAT(second.output, HasSubstr(nothing_new));
  EXPECT_EQ(second.refused, first.refused);
  EXPECT_EQ(dump(), before);

  std::ranges::reverse(rows);
  const auto reversed = import("stock-readings", write_readings("reversed.csv", rows));
  EXPECT_THAT(reversed.output, HasSubstr(nothing_new));
  EXPECT_EQ(dump(), before);
}

TEST_F(ImportTwice, leaves_taken_back_what_was_taken_back_in_between) {
  const auto path = write_readings("readings.csv", rows_of_readings());
  ASSERT_EQ(import("stock-readings", path).status, 3);
  const auto reading = get("/api/v1/shops/" + shop() + "/stock/" + kFirstGtin).number("id");
  ASSERT_GT(reading, 0);
  const auto history = "/api/v1/stock-readings/" + std::to_string(reading) + "/history";
  std::size_t voided = 0;
  for (auto& event : get(history + "?limit=1000", staff()).rows()) {
    const auto id = event["id"].substr(1, event["id"].size() - 2);
    if (voided++ % 2 == 0) {
      ASSERT_EQ(del(history + "/" + id, admin()).status, 204);
    }
  }
  ASSERT_GT(voided, 10U);
  const auto before = dump();

  const auto again = import("stock-readings", path);
  EXPECT_EQ(again.status, 3);
  EXPECT_THAT(again.output, HasSubstr("0 applied, 0 changed nothing, "));
  EXPECT_THAT(again.output, HasSubstr("(of these voided: 29)"));
  EXPECT_EQ(dump(), before);
}

TEST_F(ImportTwice, stores_products_once) {
  std::string text{"gtin,name,brand,category\n"};
  for (const auto& gtin : some_gtins()) text += gtin + ",Tea,Leaf,Drinks\n";
  text +=
      "9520000000004,Green tea,,\n"  // its last row counts, and says no brand
      "0009520000000011,Sixteen digits,,\n"
      "9520000000005,Wrong digit,,\n"
      "9520000000028,,,\n"
      "09520000000035,\"  Black \n tea \",Leaf,\n";
  const auto path = write("products.csv", text);
  const auto first = import("products", path);
  ASSERT_EQ(first.status, 3) << first.output;
  EXPECT_THAT(first.output, HasSubstr("10 products created, 0 changed, 0 unchanged"));
  const auto before = dump();

  const auto second = import("products", path);
  EXPECT_EQ(second.status, 3);
  EXPECT_THAT(second.output, HasSubstr("0 products created, 0 changed, 10 unchanged"));
  EXPECT_EQ(second.refused, first.refused);
  EXPECT_EQ(dump(), before);
}

TEST_F(ImportTwice, ends_with_the_last_row_of_a_product_of_several_batches) {
  // A batch has 1,000 rows. The second import stores the older row again before the last one, so
  // the version grows.
  std::string text{"gtin,name,brand\n9520000000004,Old name,Leaf\n"};
  for (int i = 0; i < 1'200; ++i) text += "9520000000011,Tea,Leaf\n";
  text += "9520000000004,New name,\n";
  const auto path = write("products.csv", text);
  for (int times = 0; times < 2; ++times) {
    ASSERT_EQ(import("products", path).status, 0);
    EXPECT_EQ(database().run("select string_agg(name || ' ' || brand, ', ' order by gtin)"
                             " from products"),
              "New name Leaf, Tea Leaf");
  }
}

/// Real files, where the data are.
class ImportRealFilesTwice : public ImportTwice {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("CODASYNC_TEST_DATA");
    if (folder == nullptr || !fs::exists(fs::path{folder} / "products.csv"))
      GTEST_SKIP() << "CODASYNC_TEST_DATA names no data";
    folder_ = folder;
  }

  /// Returns: the tables of a folder, in order.
  [[nodiscard]] std::vector<std::string> tables_of(const std::string& name) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator{folder_ / name}) {
      const auto extension = entry.path().extension();
      if (extension == ".csv" || extension == ".tsv") found.push_back(entry.path().string());
    }
    std::ranges::sort(found);
    EXPECT_FALSE(found.empty()) << name;
    return found;
  }

  void expect_products_once(const std::string& path, const std::vector<std::string>& options = {}) {
    const auto empty = dump();
    const auto first = import("products", path, options);
    const auto before = dump();
    const auto second = import("products", path, options);
    EXPECT_EQ(second.status, first.status) << path;
    EXPECT_EQ(second.refused, first.refused) << path;
    EXPECT_EQ(dump(), before);
    if (first.status == 1) {  // nothing was taken
      EXPECT_THAT(first.output,
                  AnyOf(HasSubstr("Not imported:"), HasSubstr("0 products created, 0")))
          << path;
      EXPECT_EQ(second.output, first.output) << path;
      EXPECT_EQ(before, empty);
    }
  }

  /// Rows without `observed_at` are another look at the shelf each time: then all that stays is
  /// what they say of it.
  void expect_readings_once(const std::string& path) {
    const auto shown = [&] {
      return database().run(
          "select concat_ws(E'\\n', (select count(*) from products), string_agg(concat_ws(' ',"
          " shop_id, gtin, present, expiry_date, date_kind, quantity), E'\\n'"
          " order by shop_id, gtin)) from stock_readings");
    };
    const auto empty = dump();
    const auto first = import("stock-readings", path);
    const auto said = shown();
    const auto second = import("stock-readings", path);
    EXPECT_EQ(second.status, first.status) << path;
    EXPECT_EQ(second.refused, first.refused) << path;
    EXPECT_EQ(shown(), said) << path;
    if (first.status == 1) {
      EXPECT_THAT(first.output, AnyOf(HasSubstr("Not imported:"), HasSubstr("0 applied, 0")))
          << path;
      EXPECT_EQ(second.output, first.output) << path;
      EXPECT_EQ(dump(), empty);
      return;
    }
    // The same rows with a moment.
    const auto dated = with_moment(path);
    import("stock-readings", dated);
    const auto recorded = dump();
    const auto again = import("stock-readings", dated);
    EXPECT_THAT(again.output, HasSubstr(" 0 applied, 0 changed nothing, ")) << path;
    EXPECT_EQ(dump(), recorded);
  }

  /// Returns: the path of a copy with a further column. Requires: no line ends within fields.
  std::string with_moment(const std::string& path) {
    std::istringstream in{contents(path)};
    std::string line;
    std::string text;
    char separator = 0;
    while (std::getline(in, line)) {
      if (line.ends_with('\r')) line.pop_back();
      const bool header = separator == 0;
      if (header) separator = line[line.find_first_of(",;\t")];
      text += line + separator + (header ? "observed_at" : "2026-11-01T08:00:00Z") + "\n";
    }
    return write("dated.csv", text);
  }

  fs::path folder_;
};

TEST_F(ImportRealFilesTwice, changes_nothing_with_the_whole_catalogue) {
  expect_products_once((folder_ / "products.csv").string());
}

TEST_F(ImportRealFilesTwice, changes_nothing_with_messy_rows_and_heads_of_suppliers_files) {
  auto files = tables_of("raw");
  files.push_back((folder_ / "torture.csv").string());
  for (const auto& file : files) {
    expect_products_once(file);
    expect_products_once(file, {"--restore-zeros"});
    expect_readings_once(file);
  }
}

TEST_F(ImportRealFilesTwice, changes_nothing_with_files_of_public_reports) {
  database().run(
      "insert into shops (id, name) overriding system value values (7, 'Reports') returning id");
  std::size_t recorded = 0;
  for (const auto& file : tables_of("reports")) {
    expect_products_once(file);
    expect_readings_once(file);
    ++recorded;
  }
  EXPECT_GT(recorded, 20U);
  EXPECT_NE(database().run("select count(*) from stock_readings"), "0");
}

}  // namespace
}  // namespace codasync::test
