#include "storage/import/dialect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Products = test::Collected<ProductRow>;

Dialect of(std::string_view head, const ColumnOptions& options = {}) {
  return recognise_dialect(ImportKind::products, head, options);
}

TEST(Dialect, has_the_separator_with_which_most_columns_are_known) {
  EXPECT_EQ(of("gtin,name,brand\n").delimiter, ',');
  EXPECT_EQ(of("gtin;name;brand\n").delimiter, ';');
  EXPECT_EQ(of("gtin\tname\tbrand\n").delimiter, '\t');
  EXPECT_EQ(of("gtin|name|brand\n").delimiter, '|');
  EXPECT_EQ(of("gtin;name;price, net, EUR, per kg\n").delimiter, ';');
  EXPECT_EQ(of("\"gtin, ean\";\"name\";\"a,b,c,d\"\n").delimiter, ';');
  EXPECT_EQ(of("Price list, Example Ltd, 2026, all\ngtin;name\n").delimiter, ';');
  EXPECT_EQ(of("x;y;z\n").delimiter, ';') << "nothing is known: the most frequent one";
  EXPECT_EQ(of("Mine;Yours\n", {.map = {{ImportField::gtin, "Mine"}}}).delimiter, ';');
}

TEST(Dialect, finds_the_header_below_titles_and_comments) {
  EXPECT_EQ(of("gtin,name\n1,2\n").records_before_header, 0U);
  EXPECT_EQ(of("Price list;;\nValid from;01.11.2026;\n;;\nGTIN;Name;Price\n").records_before_header,
            3U);
  EXPECT_EQ(of("# exported on Monday\n# by the till\ngtin,name\n").records_before_header, 2U);
  EXPECT_EQ(of("Name: Example Ltd\n\n\ngtin,name\n").records_before_header, 1U);
}

TEST(Dialect, uses_a_line_that_declares_the_separator) {
  for (const auto* head :
       {"sep=;\ngtin;name\n", "SEP=;\r\ngtin;name\r\n", "\"sep=;\"\ngtin;name\n"}) {
    EXPECT_EQ(of(head).delimiter, ';') << head;
    EXPECT_EQ(of(head).records_before_header, 1U) << head;
  }
  EXPECT_EQ(of("sep=^\ngtin^name\n").delimiter, '^');
  EXPECT_EQ(of("sep=;\nx;y\n").records_before_header, 1U);
}

TEST(Dialect, lines_before_the_header_are_named_in_the_plan) {
  Products products;
  ASSERT_TRUE(test::import_text("sep=;\nList;\n\n;\nGTIN;Name\n96385074;Tea\n", {}, products));
  EXPECT_EQ(products.plan->delimiter, ';');
  EXPECT_EQ(products.plan->header_line, 5U);
  EXPECT_THAT(products.plan->lines_before, ElementsAre(2));
  EXPECT_EQ(products.rows().at(0).line, 6U);
}

TEST(Dialect, other_formats_are_named_with_what_to_do) {
  const auto refused = [](std::string_view bytes) {
    Products products;
    const auto outcome = test::import_text(std::string{bytes}, {}, products);
    EXPECT_FALSE(outcome) << bytes;
    return outcome ? "" : outcome.error().reason;
  };
  EXPECT_THAT(refused("PK\x03\x04\x14\x00[Content_Types].xml"sv),
              HasSubstr("Excel workbook (.xlsx)"));
  EXPECT_THAT(refused("PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet"),
              HasSubstr("(.ods)"));
  EXPECT_THAT(refused("PK\x03\x04some.csv"), HasSubstr("Unpack"));
  EXPECT_THAT(refused("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 x"), HasSubstr("(.xls)"));
  EXPECT_THAT(refused("%PDF-1.7"), HasSubstr("PDF"));
  EXPECT_THAT(refused("\n <!DOCTYPE html><html>"), HasSubstr("HTML"));
  EXPECT_THAT(refused("<?xml version=\"1.0\"?>"), HasSubstr("XML"));
  for (const auto* array : {"[{\"gtin\": 1}]", "[ {\"gtin\": 1}]", "[\r\n  {\"gtin\": 1}]",
                            "[\t{\"gtin\": 1}]", "[]", "[ ]"}) {
    EXPECT_THAT(refused(array), HasSubstr("This is a JSON array")) << array;
  }
  EXPECT_THAT(refused("BZh91AY"), HasSubstr("compressed"));
  EXPECT_THAT(refused("SQLite format 3\0"sv), HasSubstr("SQLite"));
}

}  // namespace
}  // namespace codasync::storage
