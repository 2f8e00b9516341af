#include "storage/postgres/record_array.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <vector>

#include "storage/postgres/connection.hpp"
#include "tests/support/database.hpp"

namespace codasync::storage::postgres {
namespace {

using test::TestDatabase;
using testing::ElementsAre;

class RecordArrayTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    database_ = std::make_unique<TestDatabase>(TestDatabase::Schema::none);
    database_->run(
        "create type everything as (truth boolean, bytes bytea, big bigint, letter \"char\","
        " words text, day date, micros bigint, id uuid)");
  }
  static void TearDownTestSuite() { database_.reset(); }

  /// Returns: the rows as PostgreSQL reads them, each as text.
  std::vector<std::string> read_back(RecordArray& rows) {
    const auto found =
        connection_.exec_params("select r::text from unnest($1::everything[]) as r", rows.done());
    std::vector<std::string> texts;
    for (const pqxx::row& row : found) texts.emplace_back(row[0].c_str());
    return texts;
  }

  /// Returns: a text among other columns, as PostgreSQL reads it; nullopt: null.
  std::optional<std::string> read_back(const std::optional<std::string>& words) {
    RecordArray rows;
    rows.add(true, kNone<Bytes>, std::int64_t{7}, 'x', words, kNone<Date>, kNone<Instant>,
             kNone<Uuid>);
    const auto found = connection_.exec_params(
        "select r.words from unnest($1::everything[]) as r where r.big = 7", rows.done());
    return found[0][0].is_null() ? std::nullopt : std::optional{std::string{found[0][0].c_str()}};
  }

  using Bytes = std::span<const std::uint8_t>;
  template <class T>
  static constexpr std::optional<T> kNone{};

  static inline std::unique_ptr<TestDatabase> database_;
  Connection connection_{database_->options()};
};

constexpr Date day(int year, unsigned month, unsigned day_of_month) {
  return {std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day_of_month}};
}

TEST_F(RecordArrayTest, keeps_values_of_every_type) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.front() = 0xfe;
  bytes.back() = 0x01;
  RecordArray rows;
  rows.add(true, Bytes{bytes}, 1'234'567'890'123, 's', std::string_view{"tea"}, day(2026, 11, 28),
           Instant{std::chrono::microseconds{1}},
           *Uuid::parse("0193a5c2-7d4e-7abc-8def-0123456789ab"));
  EXPECT_THAT(read_back(rows), ElementsAre("(t,\"\\\\xfe" + std::string(60, '0') +
                                           "01\",1234567890123,s,tea,2026-11-28,1,"
                                           "0193a5c2-7d4e-7abc-8def-0123456789ab)"));
}

TEST_F(RecordArrayTest, keeps_nulls_and_limits) {
  RecordArray rows;
  rows.add(kNone<bool>, kNone<Bytes>, kNone<std::int64_t>, kNone<char>, kNone<std::string_view>,
           kNone<Date>, kNone<Instant>, kNone<Uuid>);
  rows.add(false, Bytes{}, std::numeric_limits<std::int64_t>::min(), kNone<char>,
           std::string_view{}, day(1969, 7, 20), Instant{std::chrono::microseconds{-1}},
           kNone<Uuid>);
  rows.add(kNone<bool>, kNone<Bytes>, std::numeric_limits<std::int64_t>::max(), kNone<char>,
           kNone<std::string_view>, day(9999, 12, 31),
           Instant{std::chrono::microseconds{253'402'300'799'999'999}}, kNone<Uuid>);
  rows.add(kNone<bool>, kNone<Bytes>, kNone<std::int64_t>, kNone<char>, kNone<std::string_view>,
           kNone<Date>, Instant::min(), kNone<Uuid>);
  EXPECT_THAT(read_back(rows),
              ElementsAre("(,,,,,,,)", "(f,\"\\\\x\",-9223372036854775808,,\"\",1969-07-20,-1,)",
                          "(,,9223372036854775807,,,9999-12-31,"
                          "253402300799999999,)",
                          "(,,,,,,,)"));
}

TEST_F(RecordArrayTest, keeps_texts_with_special_characters) {
  for (const auto* words :
       {R"(a"b\c)", R"("\\""\)", "{x,y}", "(1,2)", "null", "NULL", "", " \n", ",", "\"", "\\", "'",
        "žluťoučký 🐎", R"(\x41)", R"("),("t",,8,x,y,,,)"}) {
    EXPECT_EQ(read_back(std::string{words}), words);
  }
  EXPECT_EQ(read_back(std::nullopt), std::nullopt);
}

// Times travel as microseconds in both directions, and are timestamps in the tables.
TEST_F(RecordArrayTest, times_survive_the_way_to_a_timestamp_and_back) {
  const TestDatabase database;
  EXPECT_EQ(database.run("select count(*) from generate_series(946684800000000, 4294967296000000,"
                         " 33333333333) as t (micros) where micros_of(moment_of(micros)) <> micros"
                         " or moment_of(micros) <> timestamptz 'epoch' + micros * interval '1 us'"),
            "0");
}

TEST_F(RecordArrayTest, can_be_empty) {
  RecordArray rows;
  EXPECT_THAT(read_back(rows), ElementsAre());
}

}  // namespace
}  // namespace codasync::storage::postgres
