#include "storage/import/lots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Readings = test::Collected<ImportedReading>;

constexpr auto kHeader = "shop,gtin,name,lot,expiry_date,quantity,kind,observed_at\n";
const std::string kLots = std::string{kHeader} +
                          "7,9520991001561,Milk,A,2026-12-24,5,,\n"
                          "7,9520991001561,Milk,B,2026-12-20,3,,\n"
                          "8,9520991001561,Milk,B,2026-12-20,2,,\n"
                          "7,9520991001561,Milk,C,2027-01-20,9,,\n";

std::vector<std::int64_t> quantities(const Readings& readings) {
  std::vector<std::int64_t> all;
  for (const auto& row : readings.rows()) all.push_back(*row.quantity);
  return all;
}

TEST(Lots, are_a_question_before_anything_is_imported) {
  Readings readings;
  const auto outcome = test::import_text(kLots, {}, readings);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().reason, HasSubstr("line 2: 5, line 3: 3, line 5: 9"));
  EXPECT_THAT(outcome.error().reason, HasSubstr("(17), with the earliest date: --lots sum"));
  EXPECT_TRUE(readings.batches.empty());
}

TEST(Lots, are_added_up_with_the_earliest_date_on_request) {
  Readings readings;
  const auto counts = test::import_text(kLots, {.lots = LotRule::sum}, readings);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->repeated, 2U);
  EXPECT_THAT(quantities(readings), ElementsAre(5, 8, 2, 17)) << "each row has the sum until then";
  EXPECT_EQ(to_string(readings.rows().back().date->date), "2026-12-20");
}

TEST(Lots, of_checks_and_counts_are_added_up_too) {
  Readings readings;
  ASSERT_TRUE(test::import_text(std::string{kHeader} + "7,9520991001561,,A,2026-12-20,5,check,\n"
                                                       "7,9520991001561,,B,2026-12-24,3,check,\n"
                                                       "7,9520991001561,,B,,4,count,\n",
                                {.lots = LotRule::sum}, readings));
  EXPECT_THAT(quantities(readings), ElementsAre(5, 8, 12));
  EXPECT_EQ(to_string(readings.rows()[1].date->date), "2026-12-20");
  EXPECT_EQ(readings.rows()[2].date, std::nullopt) << "a count has no date";
}

TEST(Lots, the_last_or_the_first_row_counts_on_request) {
  Readings last;
  ASSERT_TRUE(test::import_text(kLots, {.lots = LotRule::last}, last));
  EXPECT_THAT(quantities(last), ElementsAre(5, 3, 2, 9));
  Readings first;
  const auto counts = test::import_text(kLots, {.lots = LotRule::refuse}, first);
  ASSERT_TRUE(counts);
  EXPECT_THAT(quantities(first), ElementsAre(5, 2));
  EXPECT_EQ(counts->refused, 2U);
  EXPECT_EQ(first.refused.at(0).line, 3U);
}

TEST(Lots, after_the_first_rows_are_refused_without_a_rule) {
  std::string file = "shop,gtin,quantity\n";
  for (int i = 0; i < 600; ++i) file += std::to_string(i + 1) + ",9520991001561,1\n";
  file += "1,9520991001561,2\n";
  Readings readings;
  const auto counts = test::import_text(file, {}, readings);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 600U);
  ASSERT_EQ(readings.refused.size(), 1U);
  EXPECT_EQ(readings.refused[0].line, 602U);
  EXPECT_THAT(readings.refused[0].reason, HasSubstr("--lots sum"));
}

TEST(Lots, are_not_rows_with_a_time_of_their_own_or_without_a_quantity) {
  Readings readings;
  const auto counts = test::import_text(
      std::string{kHeader} + "7,9520991001561,Milk,A,2026-12-24,5,,2026-11-01T08:00:00Z\n" +
          "7,9520991001561,Milk,A,2026-12-24,6,,2026-11-02T08:00:00Z\n" +
          "7,9520991001561,Milk,A,2026-12-24,,,\n7,9520991001561,Milk,A,2026-12-20,,,\n",
      {}, readings);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 4U);
}

TEST(Lots, of_a_sum_that_is_too_large_are_refused) {
  Readings readings;
  const auto counts =
      test::import_text("shop,gtin,quantity\n7,9520991001561,2147483647\n7,9520991001561,1\n",
                        {.lots = LotRule::sum}, readings);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 1U);
  EXPECT_THAT(readings.refused.at(0).reason, HasSubstr("2147483647"));
}

const std::string kChecks = std::string{kHeader} +
                            "7,9520991001561,,A,2026-12-10,,check,\n"
                            "7,9520991001561,,B,2026-12-20,,check,\n"
                            "7,9520991001561,,C,2026-12-15,4,check,\n";

std::vector<std::string> dates(const Readings& readings) {
  std::vector<std::string> all;
  for (const auto& row : readings.rows()) all.push_back(row.date ? to_string(row.date->date) : "");
  return all;
}

TEST(Lots, of_checks_without_a_quantity_replace_no_earlier_date) {
  Readings asked;
  const auto outcome = test::import_text(kChecks, {}, asked);
  ASSERT_FALSE(outcome) << "the last check would hide the date of the first one";
  EXPECT_THAT(outcome.error().reason,
              HasSubstr("line 2: 2026-12-10, line 3: 2026-12-20, line 4: 2026-12-15 with 4"));
  EXPECT_THAT(outcome.error().reason, HasSubstr("--lots sum"));
  Readings sum;
  ASSERT_TRUE(test::import_text(kChecks, {.lots = LotRule::sum}, sum));
  EXPECT_THAT(dates(sum), ElementsAre("2026-12-10", "2026-12-10", "2026-12-10"));
  EXPECT_EQ(sum.rows()[1].quantity, std::nullopt);
  EXPECT_EQ(sum.rows()[2].quantity, 4);
  Readings last;
  ASSERT_TRUE(test::import_text(kChecks, {.lots = LotRule::last}, last));
  EXPECT_THAT(dates(last), ElementsAre("2026-12-10", "2026-12-20", "2026-12-15"));
  Readings first;
  const auto counts = test::import_text(kChecks, {.lots = LotRule::refuse}, first);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->refused, 2U);
  EXPECT_EQ(first.refused.at(0).field, "expiry_date");
}

TEST(Lots, of_a_check_after_a_sighting_with_a_quantity_keep_the_earlier_date) {
  const std::string file = std::string{kHeader} +
                           "7,9520991001561,,A,2026-12-10,5,,\n"
                           "7,9520991001561,,B,2026-12-20,,check,\n";
  Readings asked;
  EXPECT_FALSE(test::import_text(file, {}, asked));
  Readings sum;
  ASSERT_TRUE(test::import_text(file, {.lots = LotRule::sum}, sum));
  EXPECT_THAT(dates(sum), ElementsAre("2026-12-10", "2026-12-10"));
}

TEST(Lots, are_not_a_check_and_later_rows_that_add_to_it) {
  Readings readings;
  const auto counts = test::import_text(std::string{kHeader} +
                                            "7,9520991001561,,,2026-12-20,,check,\n"
                                            "7,9520991001561,,,2026-12-10,4,,\n"
                                            "7,9520991001561,,,2026-12-30,,,\n",
                                        {}, readings);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 3U);
}

}  // namespace
}  // namespace codasync::storage
