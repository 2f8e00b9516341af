#include "storage/import/import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

#include "storage/import/demo.hpp"
#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

using testing::HasSubstr;
using Products = test::Collected<ProductRow>;
using Readings = test::Collected<ImportedReading>;

using test::import_text;

/// With the encoding given, invalid UTF-8 refuses its rows only.
ImportOptions utf8() { return {.encoding = *parse_file_encoding("utf-8")}; }

Outcome<ImportCounts, FileRefusal> import(const std::string& file, Products& into) {
  return import_text(file, utf8(), into);
}

std::string refusal_of(const std::string& file, const ImportOptions& options = utf8()) {
  Products products;
  const auto outcome = import_text(file, options, products);
  EXPECT_FALSE(outcome) << file;
  EXPECT_TRUE(products.batches.empty());
  return outcome ? "" : outcome.error().reason;
}

TEST(ProductImport, delivers_valid_rows_and_reports_refused_ones_with_their_lines) {
  Products products;
  const std::string file =
      "gtin;name;brand;category;origin\r\n"
      "4006381333931;\"Green\r\ntea\";Leaf;;Asia\r\n"
      "8,02E+12;Salmon;;;\r\n"
      "96385074;caf\xE9;;;\r\n"
      ";;;;\r\n"
      "036000291452;Paper\r\n";
  const auto counts = import(file, products);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 2U);
  EXPECT_EQ(counts->refused, 2U);
  EXPECT_EQ(counts->bytes, file.size());
  const auto rows = products.rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "Green tea");
  EXPECT_EQ(rows[0].brand, "Leaf");
  EXPECT_EQ(rows[0].category, std::nullopt);
  EXPECT_EQ(rows[1].line, 7U);
  EXPECT_EQ(rows[1].name, "Paper");
  ASSERT_EQ(products.refused.size(), 2U);
  EXPECT_EQ(products.refused[0].line, 4U);
  EXPECT_EQ(products.refused[0].field, "GTIN");
  EXPECT_EQ(products.refused[1].line, 5U);
  EXPECT_EQ(products.refused[1].field, "name");
}

TEST(ProductImport, recognises_the_columns_of_many_systems) {
  for (const auto* header : {"GTIN,Name,Brand,Category", "code\tproduct_name\tbrands\tcategories",
                             "EAN-13;Product Name;Brand;Category",
                             " Barcode ,DESCRIPTION,brand_owner,branded_food_category",
                             "\"gtin_upc\",\"title\",\"brand\",\"main_category_fr\"",
                             "raw_gtin,raw_name,raw_brand,category",
                             "UPC,product_name_de,Manufacturer,Product category"}) {
    Products products;
    std::string row = "4006381333931,Tea,Leaf,Drinks";
    const auto separator = std::string{header}.find_first_of(",;\t");
    std::ranges::replace(row, ',', header[separator]);
    ASSERT_TRUE(import(std::string{header} + "\n" + row + "\n", products)) << header;
    ASSERT_EQ(products.rows().size(), 1U) << header;
    EXPECT_EQ(products.rows()[0].name, "Tea") << header;
    EXPECT_EQ(products.rows()[0].brand, "Leaf") << header;
    EXPECT_EQ(products.rows()[0].category, "Drinks") << header;
  }
}

TEST(ProductImport, takes_the_first_filled_name_but_only_one_column_of_gtins) {
  Products products;
  ASSERT_TRUE(
      import("code,generic_name,product_name_fr,gtin,product_name_en\n"
             "96385074,Drink,Thé,4006381333931,Tea\n"
             "96385074,Drink,Thé,036000291452,\n"
             "96385074,Drink,,0036000291469,\n"
             "96385074,Drink,,,\n",
             products));
  const auto rows = products.rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].name, "Tea");
  EXPECT_EQ(rows[1].name, "Thé");
  EXPECT_EQ(rows[2].name, "Drink");
  ASSERT_EQ(products.refused.size(), 1U);
  EXPECT_EQ(products.refused[0].reason, "The GTIN is missing.");
}

TEST(ProductImport, refuses_a_file_that_is_not_of_products_and_lists_its_columns) {
  EXPECT_THAT(refusal_of(""), HasSubstr("empty"));
  EXPECT_THAT(refusal_of("sku,name\n1,x\n"),
              HasSubstr("column for the GTIN, such as \"gtin\". Its columns are: sku, name."));
  EXPECT_THAT(refusal_of("gtin,price\n1,2\n"), HasSubstr("name"));
  EXPECT_THAT(refusal_of("\xFF\x01,price\n1,2\n"), HasSubstr("(unreadable), price"));
  EXPECT_THAT(refusal_of(std::string(30, ';')), HasSubstr("and 11 more"));
  EXPECT_THAT(refusal_of("gtin,name" + std::string(1'000, ',')), HasSubstr("1,000 columns"));
  EXPECT_THAT(refusal_of("PK\x03\x04 some archive"), HasSubstr("ZIP archive"));
}

TEST(ProductImport, refuses_rows_with_shifted_fields) {
  Products products;
  const auto counts = import(
      "gtin,name,brand\n"
      "4006381333931,Cheese, blue,Leaf\n"
      "96385074,Tea,Leaf,,,\n"
      "036000291452,\"Cheese\" blue,Leaf\n",
      products);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 1U);
  ASSERT_EQ(products.refused.size(), 2U);
  EXPECT_EQ(products.refused[0].field, "");
  EXPECT_THAT(products.refused[0].reason, HasSubstr("more fields"));
  EXPECT_EQ(products.refused[1].line, 4U);
}

TEST(ProductImport, a_missing_quote_takes_no_row_into_a_name) {
  Products products;
  const auto counts = import(
      "gtin,name,brand\n"
      "4006381333931,\"Green\ntea\",Leaf\n"
      "96385074,\"Tea,Leaf\n036000291452,Paper 6\",Mill\n"
      "0036000291469,Rye,Mill\n",
      products);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 2U);
  ASSERT_EQ(products.refused.size(), 1U);
  EXPECT_THAT(products.refused[0].reason, HasSubstr("contains the next rows"));
}

TEST(ProductImport, a_last_row_that_was_cut_is_refused) {
  Products products;
  const auto counts = import("gtin,name,brand\n96385074,Tea,Leaf\n4006381333931,Pap", products);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 1U);
  EXPECT_THAT(products.refused.at(0).reason, HasSubstr("may have been cut"));
}

TEST(ProductImport, a_gtin_occurs_once_in_a_batch_and_its_last_row_wins) {
  Products products;
  const auto counts = import(
      "gtin,name,brand,category\n"
      "96385074,Tea,Leaf,Drinks\n"
      "036000291452,Paper,,\n"
      "00000096385074,Green tea,Twig,\n",
      products);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 3U);
  const auto rows = products.rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "Green tea");
  EXPECT_EQ(rows[0].brand, "Twig");
  EXPECT_EQ(rows[0].category, "Drinks") << "the later row has no category";
  EXPECT_EQ(rows[0].line, 4U);
}

TEST(ProductImport, delivers_in_batches_and_reports_progress) {
  const auto demo =
      make_demo({.products = 2'500, .today = Date{std::chrono::year{2026} / 11 / 24}});
  std::string file = "gtin,name\n";
  for (const auto& product : demo.products) {
    file += product.gtin.canonical() + "," + product.name + "\nbad,row\n";
  }
  Products products;
  const auto counts = import(file, products);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 2'500U);
  EXPECT_EQ(counts->refused, 2'500U);
  EXPECT_EQ(products.rows().size(), 2'500U);
  for (const auto& batch : products.batches) EXPECT_LE(batch.size(), kImportBatchMax);
  ASSERT_GE(products.progress.size(), 5U);
  for (std::size_t i = 1; i < products.progress.size(); ++i) {
    EXPECT_GE(products.progress[i].bytes, products.progress[i - 1].bytes);
  }
  EXPECT_EQ(products.progress.back().bytes, file.size());
}

TEST(ProductImport, ends_with_the_exception_of_the_store) {
  std::istringstream in{"gtin,name\n96385074,Tea\n"};
  StreamSource source{in};
  Products products;
  auto sink = products.sink();
  sink.batch = [](std::vector<ProductRow>) {
    throw std::runtime_error{"the store is unavailable"};
  };
  EXPECT_THROW((void)import_products(source, {}, sink), std::runtime_error);
}

TEST(ProductImport, is_refused_when_the_file_could_not_be_read_to_its_end) {
  std::string file = "gtin,name\n";
  while (file.size() < 1'000'000) file += "96385074,Tea\n";
  std::istringstream in{file};
  StreamSource source{in};
  Products products;
  auto sink = products.sink();
  sink.progress = [&](const ImportCounts&) { in.setstate(std::ios::badbit); };
  const auto outcome = import_products(source, {}, sink);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().reason, HasSubstr("again"));
  EXPECT_FALSE(products.rows().empty());
}

TEST(ReadingImport, delivers_every_row_in_order) {
  Readings readings;
  const auto counts = import_text(
      "shop,GTIN,expiry_date,date_kind,quantity,kind,observed_at,name\n"
      "1,96385074,2026-12-24,use_by,3,check,2026-11-24T10:00:00Z,Tea\n"
      "1,96385074,,,4,count,,\n"
      "1,96385074,,,4,adjust,,\n",
      {}, readings);
  ASSERT_TRUE(counts);
  const auto rows = readings.rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].kind, EventKind::check);
  EXPECT_EQ(rows[1].kind, EventKind::count);
  ASSERT_EQ(readings.refused.size(), 1U);
  EXPECT_EQ(readings.refused[0].field, "kind");
}

TEST(ReadingImport, refuses_a_file_that_is_not_of_readings) {
  for (const auto* file : {"gtin,expiry_date\n", "shop,expiry_date\n"}) {
    Readings readings;
    EXPECT_FALSE(import_text(file, {}, readings)) << file;
  }
}

TEST(Encodings, that_are_not_utf8_stop_the_import_with_several_examples) {
  Products products;
  const auto central =
      test::import_text("gtin;name\n96385074;M\xFCsli\n4006381333931;\xAFurek\n", {}, products);
  ASSERT_FALSE(central);
  EXPECT_THAT(
      central.error().reason,
      testing::HasSubstr("Read as windows-1252, line 2 has \"Müsli\", line 3 has \"¯urek\"."));
}

TEST(Encodings, of_four_bytes_are_not_called_utf16) {
  std::string text{"\xFF\xFE\0\0", 4};
  for (const char c : std::string{"gtin,name\n96385074,Tea\n"}) text += {c, '\0', '\0', '\0'};
  Products products;
  const auto utf32 = test::import_text(text, {}, products);
  ASSERT_FALSE(utf32);
  EXPECT_THAT(utf32.error().reason, testing::HasSubstr("UTF-32, save it as \"CSV UTF-8\""));
}

}  // namespace
}  // namespace codasync::storage
