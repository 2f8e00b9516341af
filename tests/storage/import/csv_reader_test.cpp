#include "storage/import/csv_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace codasync::storage {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::Field;
using Record = std::vector<std::string>;

struct Read {
  std::size_t line;
  Record fields;
  std::optional<CsvRefusal> refusal;
};

/// Reads in pieces of one prime length, so that their ends are everywhere in a record.
std::vector<Read> read(std::string_view file, char delimiter = ',') {
  constexpr std::size_t kPiece = 65'521;
  CsvReader reader{[&file] {
                     const auto piece = file.substr(0, kPiece);
                     file.remove_prefix(piece.size());
                     return piece;
                   },
                   delimiter};
  std::vector<Read> records;
  while (const auto* record = reader.next()) {
    records.push_back(
        {record->line, {record->fields.begin(), record->fields.end()}, record->refusal});
  }
  EXPECT_EQ(reader.next(), nullptr) << "next() stays at the end";
  return records;
}

std::vector<Record> fields_of(const std::string& file, char delimiter = ',') {
  std::vector<Record> all;
  for (const auto& record : read(file, delimiter)) {
    EXPECT_EQ(record.refusal, std::nullopt);
    all.push_back(record.fields);
  }
  return all;
}

std::vector<std::size_t> lines_of(const std::string& file) {
  std::vector<std::size_t> lines;
  for (const auto& record : read(file)) lines.push_back(record.line);
  return lines;
}

TEST(CsvReader, reads_records_and_fields) {
  EXPECT_THAT(fields_of("a,b\n1,2\n"), ElementsAre(Record{"a", "b"}, Record{"1", "2"}));
  EXPECT_THAT(fields_of("a,b\n1,2"), ElementsAre(Record{"a", "b"}, Record{"1", "2"}));
  EXPECT_THAT(fields_of("a,b\n,\n1,"),
              ElementsAre(Record{"a", "b"}, Record{"", ""}, Record{"1", ""}));
  EXPECT_THAT(fields_of(""), ElementsAre());
  EXPECT_THAT(fields_of("\n\r\n\r"), ElementsAre());
  EXPECT_THAT(fields_of("a"), ElementsAre(Record{"a"}));
}

TEST(CsvReader, separates_by_the_given_character) {
  EXPECT_THAT(fields_of("a;b\n1,5;2\n", ';'), ElementsAre(Record{"a", "b"}, Record{"1,5", "2"}));
  EXPECT_THAT(fields_of("a\tb\n1,5\t2;3\n", '\t'),
              ElementsAre(Record{"a", "b"}, Record{"1,5", "2;3"}));
  EXPECT_THAT(fields_of("a|b\n\"1|2\"|3\n", '|'),
              ElementsAre(Record{"a", "b"}, Record{"1|2", "3"}));
}

TEST(CsvReader, separates_by_blanks_where_the_file_says_so) {
  EXPECT_THAT(fields_of("a b\n\"1 2\"  3\n", ' '),
              ElementsAre(Record{"a", "b"}, Record{"1 2", "", "3"}));
}

TEST(CsvReader, unquotes_fields) {
  EXPECT_THAT(fields_of(R"("a","b ""c"" d","",","
)"),
              ElementsAre(Record{"a", "b \"c\" d", "", ","}));
  EXPECT_THAT(fields_of("a,b\n\"one\r\ntwo\n\",2"),
              ElementsAre(Record{"a", "b"}, Record{"one\r\ntwo\n", "2"}));
  EXPECT_THAT(fields_of("a,b\n\"\"\"\",\"\"\n"), ElementsAre(Record{"a", "b"}, Record{"\"", ""}));
}

TEST(CsvReader, a_quote_inside_an_unquoted_field_is_text) {
  EXPECT_THAT(fields_of("a,b\n6\" pizza,x\"y\"\n"),
              ElementsAre(Record{"a", "b"}, Record{"6\" pizza", "x\"y\""}));
}

TEST(CsvReader, blanks_around_quotes_are_no_text) {
  EXPECT_THAT(fields_of("a, \"x,y\" , \"z\"\n"), ElementsAre(Record{"a", "x,y", "z"}));
  EXPECT_THAT(fields_of(" a , b\n"), ElementsAre(Record{" a ", " b"}));
  const auto two = read("\"x\" \"y\",1\n3,4\n");
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].refusal, CsvRefusal::text_after_quote);
}

TEST(CsvReader, has_the_line_on_which_a_record_starts) {
  EXPECT_THAT(lines_of("a,b\n1,2\n3,4\n"), ElementsAre(1, 2, 3));
  EXPECT_THAT(lines_of("a,b\r\n1,2\r\n\r\n3,4\r\n"), ElementsAre(1, 2, 4));
  EXPECT_THAT(lines_of("a,b\r1,2\r3,4"), ElementsAre(1, 2, 3));
  EXPECT_THAT(lines_of("\n\na,b\n\"1\n\n2\",2\n3,4\n"), ElementsAre(3, 4, 7));
  EXPECT_THAT(lines_of("a,b\n\"1\r\n2\r\n\",2\r\n3,4\n"), ElementsAre(1, 2, 5));
}

TEST(CsvReader, reads_the_same_for_any_ends_of_the_pieces) {
  for (std::size_t before = 65'530; before < 65'540; ++before) {
    const auto file = "a,b\r\n" + std::string(before - 10, 'x') + ",\"y\"\"z\r\n\"\r\n\"1\",2\r\n";
    const auto records = read(file);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[1].fields[1], "y\"z\r\n");
    EXPECT_EQ(records[2].fields, (Record{"1", "2"}));
    EXPECT_EQ(records[2].line, 4U);
  }
}

TEST(CsvReader, refuses_a_long_field_and_continues) {
  const std::string longest(kCsvFieldBytesMax, 'x');
  EXPECT_THAT(fields_of("a,b\n" + longest + ",1\n"),
              ElementsAre(Record{"a", "b"}, Record{longest, "1"}));
  for (const auto& too_long : {longest + "x", "\"" + longest + "\n\""}) {
    const auto records = read("a,b\n" + too_long + ",1\n3,4\n");
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[1].refusal, CsvRefusal::field_too_long);
    EXPECT_THAT(records[1].fields, ElementsAre());
    EXPECT_EQ(records[2].fields, (Record{"3", "4"}));
  }
}

TEST(CsvReader, refuses_too_many_columns_and_continues) {
  const std::string most(kCsvColumnsMax - 1, ',');
  EXPECT_EQ(fields_of(most).front().size(), kCsvColumnsMax);
  const auto records = read(most + "\n," + most + "\n1,2\n");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[1].refusal, CsvRefusal::too_many_columns);
  EXPECT_EQ(records[2].fields, (Record{"1", "2"}));
  EXPECT_EQ(read("," + most + ", \"x\"\n1,2\n").at(1).fields, (Record{"1", "2"}));
}

TEST(CsvReader, refuses_a_long_record_and_continues) {
  std::string record;
  for (int i = 0; i < 20; ++i) record += std::string(60'000, 'x') + ",";
  const auto records = read("a,b\n" + record + "\n1,2\n");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[1].refusal, CsvRefusal::record_too_long);
  EXPECT_EQ(records[2].fields, (Record{"1", "2"}));
}

TEST(CsvReader, a_missing_quote_costs_one_mebibyte_and_not_the_rest_of_the_file) {
  std::string file = "a,b\n\"lost,1\n";
  std::size_t lines = 2;
  for (; file.size() < 3 * kCsvRecordBytesMax; ++lines) file += "some,text\n";
  const auto records = read(file);
  ASSERT_GT(records.size(), 100'000U);
  EXPECT_EQ(records[1].line, 2U);
  EXPECT_EQ(records[1].refusal, CsvRefusal::field_too_long);
  EXPECT_EQ(records[2].fields, (Record{"some", "text"}));
  EXPECT_EQ(records.back().line, lines);
}

TEST(CsvReader, refuses_misplaced_quotes) {
  const auto after = read("a,b\n\"x\"y,1\n3,4\n");
  ASSERT_EQ(after.size(), 3U);
  EXPECT_EQ(after[1].refusal, CsvRefusal::text_after_quote);
  EXPECT_EQ(after[2].fields, (Record{"3", "4"}));

  const auto open = read("a,b\n1,\"x\n3,4\n");
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[1].refusal, CsvRefusal::quote_not_closed);
}

TEST(CsvReader, passes_zero_bytes_and_invalid_utf8_on_to_the_rules_for_names) {
  EXPECT_THAT(fields_of("a,b\nx\0y,caf\xE9\n"s),
              ElementsAre(Record{"a", "b"}, Record{"x\0y"s, "caf\xE9"}));
}

}  // namespace
}  // namespace codasync::storage
