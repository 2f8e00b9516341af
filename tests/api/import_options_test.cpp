#include "api/imports/import_options.hpp"

#include <gmock/gmock.h>

namespace codasync::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ImportOptions, of_the_command_line_become_parameters_in_sentences) {
  const auto dates = with_parameters("Which one? For example --date-format DD.MM.YYYY or excel.");
  EXPECT_EQ(dates.text, "Which one? For example date_format=DD.MM.YYYY or excel.");
  EXPECT_THAT(dates.parameters, ElementsAre("date_format"));
  const auto column =
      with_parameters("To use it: --map gtin=\"EAN\"; to import without it: --ignore \"EAN\".");
  EXPECT_EQ(column.text, "To use it: map=gtin=\"EAN\"; to import without it: ignore=\"EAN\".");
  EXPECT_THAT(column.parameters, ElementsAre("map", "ignore"));
  EXPECT_EQ(with_parameters("A zero may be lost: --restore-zeros adds it.").text,
            "A zero may be lost: restore_zeros=true adds it.");
  EXPECT_EQ(with_parameters("More rows than --max-refused allows.").text,
            "More rows than max_refused allows.");
  EXPECT_EQ(with_parameters("Two --map name the column; this --decimal.").text,
            "Two map name the column; this decimal.");
}

TEST(ImportOptions, that_do_not_exist_are_text) {
  const auto plain = with_parameters("A name -- with --dashes--");
  EXPECT_EQ(plain.text, "A name -- with --dashes--");
  EXPECT_THAT(plain.parameters, IsEmpty());
}

}  // namespace
}  // namespace codasync::api
