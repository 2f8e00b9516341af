// Real files, which are not part of the repository: in the folder CODASYNC_TEST_DATA, or in the
// shared data folder beside the repository.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>

#include "storage/import/csv_reader.hpp"
#include "storage/import/import.hpp"
#include "storage/model/text.hpp"
#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

namespace fs = std::filesystem;
using Products = test::Collected<ProductRow>;

fs::path data_folder() {
  const char* given = std::getenv("CODASYNC_TEST_DATA");
  return given != nullptr ? fs::path{given} : fs::path{CODASYNC_TEST_DATA_DEFAULT};
}

class SupplierFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(data_folder() / "products.csv")) {
      GTEST_SKIP() << "no data in " << data_folder() << "; set CODASYNC_TEST_DATA";
    }
  }

  Outcome<ImportCounts, FileRefusal> import(const fs::path& file,
                                            const ImportOptions& options = {}) {
    products_ = {};
    std::ifstream in{data_folder() / file, std::ios::binary};
    EXPECT_TRUE(in) << file;
    StreamSource source{in};
    return import_products(source, options, products_.sink());
  }

  static ImportOptions restoring_zeros() { return {.rows = {.lost_zeros = LostZeros::restore}}; }

  std::size_t refused_for(std::string_view field) const {
    return static_cast<std::size_t>(
        std::ranges::count(products_.refused, field, &RowRefusal::field));
  }

  Products products_;
};

TEST_F(SupplierFiles, all_120000_products_of_the_catalogue_are_accepted) {
  const auto start = std::chrono::steady_clock::now();
  const auto counts = import("products.csv");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 120'000U);
  EXPECT_EQ(counts->refused, 0U);
  std::set<Gtin> gtins;
  for (const auto& row : products_.rows()) gtins.insert(row.gtin);
  EXPECT_EQ(gtins.size(), 120'000U);
  std::cout << static_cast<long>(120'000 / took.count()) << " rows/s\n";
}

/// The expected result for a row of the collection of invalid and unusual rows.
enum class Verdict { accept, reject };

Verdict verdict_of(const std::string& kind, const std::string& expect) {
  if (kind == "unicode_c1_control") return Verdict::reject;  // names have no control characters
  if (expect == "accept_as_upc_e") return Verdict::reject;   // eight bare digits are a GTIN-8
  for (const auto* prefix : {"reject", "restore_or_ask", "do_not_guess"}) {
    if (expect.starts_with(prefix)) return Verdict::reject;
  }
  return Verdict::accept;
}

TEST_F(SupplierFiles, unusual_rows_are_accepted_and_rejected_as_the_collection_expects) {
  std::ifstream in{data_folder() / "torture.csv", std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  bool read = false;
  CsvReader reader{[&] { return std::exchange(read, true) ? std::string_view{} : text; }, ','};
  std::map<std::string, std::size_t> position;
  const auto header = reader.next()->fields;
  for (std::size_t i = 0; i < header.size(); ++i) position.emplace(header[i], i);

  std::size_t judged = 0;
  while (const auto* record = reader.next()) {
    const auto field = [&](const char* name) {
      return std::string{record->fields.at(position.at(name))};
    };
    const auto name = field("raw_name");
    const auto row = product_row(record->line,
                                 {.gtin = record->fields.at(position.at("raw_gtin")),
                                  .name = name.empty() ? std::string_view{"(no name)"} : name,
                                  .brand = record->fields.at(position.at("raw_brand")),
                                  .category = {}},
                                 RowRules{});
    const auto expected = verdict_of(field("kind"), field("expect"));
    EXPECT_EQ(static_cast<bool>(row), expected == Verdict::accept)
        << field("id") << ": " << field("expect");
    if (row) {
      EXPECT_EQ(row->gtin.number(), std::stoll(field("canonical_gtin14"))) << field("id");
      if (field("expect") == "warn_restricted_circulation") {
        EXPECT_TRUE(row->gtin.restricted()) << field("id");
      }
      if (!name.empty()) {
        EXPECT_EQ(row->name, collapse_white_space(name)) << field("id");
      }
    } else if (field("expect") == "reject_not_numeric") {
      EXPECT_EQ(row.error().reason, explain(GtinRefusal::scientific_notation)) << field("id");
    } else if (field("expect").starts_with("reject_length")) {
      EXPECT_THAT(row.error().reason,
                  testing::StartsWith(std::string{explain(GtinRefusal::wrong_length)}))
          << field("id");
    }
    ++judged;
  }
  EXPECT_GT(judged, 200U);
}

TEST_F(SupplierFiles, lost_zeros_are_restored_on_request_only) {
  ASSERT_TRUE(import("torture.csv"));
  const auto strict = products_.rows().size();
  ASSERT_TRUE(import("torture.csv", restoring_zeros()));
  EXPECT_GE(products_.rows().size(), strict + 15);
}

TEST_F(SupplierFiles, utf16_with_semicolons) {
  const auto counts = import("raw/utf16le_semicolon_off.csv");
  ASSERT_TRUE(counts);
  const auto rows = products_.rows();
  ASSERT_GT(rows.size(), 30U);
  const auto soup =
      std::ranges::find(rows, std::string{"Soupe Tom Yum aux légumes"}, &ProductRow::name);
  ASSERT_NE(soup, rows.end());
  EXPECT_EQ(soup->brand, "AROY-D");
  EXPECT_EQ(soup->category, "Soupes");
  EXPECT_EQ(soup->line, 7U);
}

TEST_F(SupplierFiles, scientific_notation_is_refused_row_by_row) {
  const auto counts = import("raw/sci_notation_decimal_comma.tsv");
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted + counts->refused, 60U);
  EXPECT_GT(refused_for("GTIN"), 40U);
  EXPECT_THAT(products_.refused.front().reason, testing::HasSubstr("scientific notation"));

  const auto broken = import("raw/sci_notation_semicolon_mojibake.csv");
  ASSERT_FALSE(broken) << "the file is not valid UTF-8";
  EXPECT_THAT(broken.error().reason, testing::HasSubstr("--encoding utf-8"));
  ASSERT_TRUE(import("raw/sci_notation_semicolon_mojibake.csv",
                     {.encoding = *parse_file_encoding("utf-8")}));
  EXPECT_GT(refused_for("GTIN"), 5U);
}

TEST_F(SupplierFiles, a_column_for_each_language_and_line_ends_in_quotes) {
  const auto counts = import("raw/wide_off_export_many_name_columns.tsv");
  ASSERT_TRUE(counts);
  const auto rows = products_.rows();
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows[0].gtin.canonical(), "20724696");
  EXPECT_EQ(rows[0].name, "Kalifornische Mandeln, naturbelassen");
}

TEST_F(SupplierFiles, a_file_with_few_names_is_refused_row_by_row) {
  const auto counts = import("raw/usda_branded_lost_zeros.csv", restoring_zeros());
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted + counts->refused, 39U);
  EXPECT_GT(refused_for("name") + counts->accepted, 25U);
}

}  // namespace
}  // namespace codasync::storage
