#include "storage/import/json_lines.hpp"

#include <gmock/gmock.h>

#include <regex>

#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using Products = test::Collected<ProductRow>;
using Readings = test::Collected<ImportedReading>;

TEST(JsonLines, members_are_columns_in_any_order_and_null_is_absent) {
  Products products;
  const auto outcome =
      test::import_text(R"({"GTIN":"9520000000004","name":"Tea \"green\"","brand":null})"
                        "\n\n"
                        R"({"name":"Rye","GTIN":9520000000011})"
                        "\r\n"
                        R"( {"GTIN":"96385074","brand":"Mill","name":"Jam"})",
                        {}, products);
  ASSERT_TRUE(outcome) << outcome.error().reason;
  ASSERT_THAT(products.rows(), SizeIs(3));
  EXPECT_TRUE(products.plan->json_lines);
  EXPECT_EQ(products.rows()[0].name, "Tea \"green\"");
  EXPECT_EQ(products.rows()[0].brand, std::nullopt);
  EXPECT_EQ(products.rows()[1].gtin.canonical(), "9520000000011");
  EXPECT_EQ(products.rows()[2].brand, "Mill");
  EXPECT_EQ(products.rows()[2].line, 4U);
}

TEST(JsonLines, texts_are_not_taken_for_protected_formulas) {
  for (const std::string name : {"'=1+1", "=x", "''@x", "=\"x\"", "'＝1", "'n Tea", "Tea"}) {
    for (const std::string blank : {"", " ", "\\t", "\\n"}) {
      Products products;
      const std::string escaped = std::regex_replace(name, std::regex{"\""}, "\\\"");
      ASSERT_TRUE(test::import_text(
          R"({"GTIN":"9520000000004","name":")" + blank + escaped + blank + "\"}\n", {}, products));
      ASSERT_THAT(products.rows(), SizeIs(1)) << name;
      EXPECT_EQ(products.rows()[0].name, name);
    }
  }
}

TEST(JsonLines, lines_that_are_no_such_object_are_refused_alone) {
  Products products;
  const std::string good{R"({"GTIN":"9520000000004","name":"Tea"})"};
  const auto outcome = test::import_text(
      good + "\n[]\n{\"GTIN\":\"96385074\",\"name\":\"cut\n" + good + good + "\n" +
          R"({"GTIN":"96385074","name":["Jam"]})" + "\n" + R"({"GTIN":"96385074","name":true})" +
          "\n" + R"({"GTIN":"96385074","name":"a","name":"b"})" + "\n\"text\"\n" +
          R"({"GTIN":"96385074","name":")" + std::string(70'000, 'x') + "\"}\n" +
          std::string(1'100'000, ' ') + "{}\n",
      {}, products);
  ASSERT_TRUE(outcome) << outcome.error().reason;
  EXPECT_EQ(outcome->accepted, 1U);
  std::vector<std::string> reasons;
  for (const auto& refusal : products.refused)
    reasons.push_back(std::to_string(refusal.line) + " " + refusal.reason);
  EXPECT_THAT(
      reasons,
      ElementsAre(HasSubstr("2 The line is not a JSON object"),
                  HasSubstr("3 The line is not a JSON object"),
                  HasSubstr("4 The line is not a JSON object"), HasSubstr("5 A member is neither"),
                  HasSubstr("6 A member is neither"), HasSubstr("7 The object has a member twice"),
                  HasSubstr("8 The line is not a JSON object"), HasSubstr("9 A field is longer"),
                  HasSubstr("10 The row is longer")));
}

TEST(JsonLines, a_member_that_comes_later_is_not_dropped) {
  std::string file;
  for (int i = 0; i < 8'000; ++i)
    file += R"({"GTIN":"9520000000004","name":"Tea"})"
            "\n";
  Products products;
  ASSERT_TRUE(test::import_text(file + R"({"GTIN":"9520000000011","name":"Rye","brand":"Mill"})"
                                       "\n",
                                {}, products));
  ASSERT_THAT(products.refused, SizeIs(1));
  EXPECT_THAT(products.refused[0].reason, HasSubstr("that the first ones do not have"));
}

TEST(JsonLines, members_have_the_names_of_other_systems_and_ask_the_same_questions) {
  Readings readings;
  const auto outcome = test::import_text(R"({"EAN":"9520000000004","Menge":5,"MHD":"24.12.2026"})"
                                         "\n",
                                         {}, readings);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().reason, HasSubstr("--date-format"));
  EXPECT_THAT(outcome.error().reason, HasSubstr("--shop"));
  Products array;
  EXPECT_FALSE(test::import_text("[{\"GTIN\":1}]", {}, array));
  Products pretty;
  const auto spread = test::import_text("{\n  \"GTIN\": \"9520000000004\"\n}\n", {}, pretty);
  ASSERT_FALSE(spread);
  EXPECT_THAT(spread.error().reason, HasSubstr("one object on each line"));
}

}  // namespace
}  // namespace codasync::storage
