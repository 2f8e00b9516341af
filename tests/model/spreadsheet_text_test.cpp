#include "storage/model/spreadsheet_text.hpp"

#include <gtest/gtest.h>

#include "storage/model/edit_distance.hpp"

namespace codasync {
namespace {

TEST(SpreadsheetText, gets_an_apostrophe_when_it_begins_like_a_formula) {
  for (const auto* text : {"=1+1", "+49 30", "-", "@sum", "\tx", "\rx", "\nx", "'=1", "''@x", "＝1",
                           "＋1", "－1", "＠x", "'＝1"})
    EXPECT_EQ(protected_cell(text), "'" + std::string{text});
}

TEST(SpreadsheetText, is_otherwise_as_it_is) {
  for (const auto* text :
       {"", "'", "''", "'s-Hertogenbosch", "Tea = good", "1-2", "\"=1\"", "é", "１＋１"})
    EXPECT_EQ(protected_cell(text), text);
}

TEST(EditDistance, counts_insertions_removals_replacements_and_swaps) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("token", "token"), 0U);
  EXPECT_EQ(edit_distance("tken", "token"), 1U);
  EXPECT_EQ(edit_distance("tooken", "token"), 1U);
  EXPECT_EQ(edit_distance("tokem", "token"), 1U);
  EXPECT_EQ(edit_distance("tokne", "token"), 1U);
  EXPECT_EQ(edit_distance("otkne", "token"), 2U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace codasync
