// Files of reports about other systems, which are not part of the repository: in the folder
// CODASYNC_TEST_DATA, or in the shared data folder beside the repository.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Reports : public testing::Test {
 protected:
  void SetUp() override {
    const char* given = std::getenv("CODASYNC_TEST_DATA");
    folder_ = fs::path{given != nullptr ? given : CODASYNC_TEST_DATA_DEFAULT} / "reports";
    if (!fs::exists(folder_)) GTEST_SKIP() << "no data in " << folder_;
  }

  std::string contents(const std::string& file) const {
    std::ifstream in{folder_ / file, std::ios::binary};
    EXPECT_TRUE(in) << file;
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  template <class Row>
  static std::string summary(const Outcome<ImportCounts, FileRefusal>& outcome,
                             const test::Collected<Row>& collected) {
    if (!outcome) return outcome.error().reason;
    std::string text = std::to_string(outcome->accepted) + " taken, " +
                       std::to_string(outcome->refused) + " refused";
    for (const auto& refusal : collected.refused) {
      text += "; " + std::to_string(refusal.line) + " " + refusal.field + ": " + refusal.reason;
    }
    return text;
  }

  std::string products(const std::string& file, const ImportOptions& options = {}) {
    products_ = {};
    return summary(test::import_text(contents(file), options, products_), products_);
  }

  std::string readings(const std::string& file, const ImportOptions& options = {}) {
    readings_ = {};
    return summary(test::import_text(contents(file), options, readings_), readings_);
  }

  const ProductRow& product() const { return products_.batches.at(0).at(0); }
  const ImportedReading& reading() const { return readings_.batches.at(0).at(0); }

  fs::path folder_;
  test::Collected<ProductRow> products_;
  test::Collected<ImportedReading> readings_;
};

TEST_F(Reports, of_products_that_are_read) {
  EXPECT_EQ(products("apostrophe.csv"), "1 taken, 0 refused");
  EXPECT_EQ(products("excel_formula_text.csv"), "2 taken, 0 refused");
  EXPECT_THAT(products("gtin_dot_zero.csv"), HasSubstr("2 taken, 1 refused; 4 GTIN"));
  EXPECT_EQ(products("pipe.csv"), "1 taken, 0 refused");
  EXPECT_EQ(product().brand, "Pipes");
  EXPECT_EQ(products("woo.csv"), "1 taken, 0 refused");
  EXPECT_EQ(product().category, "Bread");
  EXPECT_EQ(products("shopify2.csv"), "1 taken, 0 refused");
  EXPECT_EQ(product().brand, "Mill");
  EXPECT_EQ(products("german.csv"), "1 taken, 0 refused");
  EXPECT_EQ(product().name, "Käse");
  EXPECT_EQ(products("french.csv"), "1 taken, 0 refused");
  EXPECT_EQ(product().category, "Crèmerie");
  EXPECT_EQ(products("item_description.csv"), "1 taken, 0 refused");
  EXPECT_EQ(product().name, "Rye bread 500 g");
  EXPECT_EQ(products("title_lines.csv"), "1 taken, 0 refused");
}

TEST_F(Reports, of_products_that_are_refused_with_what_to_do) {
  EXPECT_THAT(products("slip_unnamed.csv"), HasSubstr("1 taken, 1 refused; 2"));
  EXPECT_THAT(products("code_only.csv"), HasSubstr("5 of 50"));
  EXPECT_THAT(products("cp1252.csv"), HasSubstr("\"Kräuterkäse 200 g\""));
  EXPECT_THAT(products("cp1252.csv"), HasSubstr("--encoding windows-1252"));
  EXPECT_EQ(products("cp1252.csv", {.encoding = *parse_file_encoding("windows-1252")}),
            "2 taken, 0 refused");
  EXPECT_EQ(product().name, "Kräuterkäse 200 g");
  EXPECT_THAT(products("dupcols.csv"), HasSubstr("--map gtin=\"#4\""));
  EXPECT_THAT(products("long_categories.csv"), HasSubstr("255"));
  EXPECT_EQ(products("long_categories.csv", {.columns = {.ignore = {"categories"}}}),
            "1 taken, 0 refused");
  EXPECT_THAT(products("upce.csv"), HasSubstr("0 taken, 3 refused"));
  EXPECT_THAT(products("upce.csv"), HasSubstr("042100005264"));
  EXPECT_THAT(products("variable_weight.csv"), HasSubstr("9 taken, 5 refused"));
  EXPECT_THAT(products("zero_gtin.csv"), HasSubstr("0 taken, 3 refused"));
}

TEST_F(Reports, of_readings) {
  for (const auto* file :
       {"bbd_headers.csv", "grocy_stock.csv", "paren.csv", "excel_datetime.csv"}) {
    EXPECT_EQ(readings(file), "1 taken, 0 refused") << file;
    EXPECT_EQ(to_string(reading().date->date), "2026-12-24") << file;
    EXPECT_EQ(reading().quantity, 5) << file;
  }
  EXPECT_EQ(readings("date_only.csv"), "1 taken, 0 refused");
  EXPECT_EQ(reading().quantity, std::nullopt);
  EXPECT_THAT(readings("dates.csv"), HasSubstr("9 taken, 20 refused"));
  EXPECT_THAT(readings("quantities.csv"), HasSubstr("9 taken, 20 refused"));
  EXPECT_THAT(readings("lots.csv"), HasSubstr("line 2: 5, line 3: 3, line 4: 9"));
  EXPECT_EQ(readings("lots.csv", {.lots = LotRule::sum}), "3 taken, 0 refused");
  EXPECT_EQ(readings_.rows().back().quantity, 17);
  EXPECT_THAT(readings("shop_by_name.csv"), HasSubstr("the exact name of a shop"));
  ImportOptions named;
  named.rows.shops.emplace("Bug hunt shop", ShopId{7});
  EXPECT_EQ(readings("shop_by_name.csv", named), "1 taken, 0 refused");
}

}  // namespace
}  // namespace codasync::storage
