#include "storage/postgres/row_array.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <vector>

#include "storage/postgres/connection.hpp"
#include "tests/support/database.hpp"

namespace codasync::storage::postgres {
namespace {

using test::TestDatabase;
using testing::ElementsAre;

class RowArray : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    database_ = std::make_unique<TestDatabase>(TestDatabase::Schema::none);
    database_->run(
        "create type everything as (truth boolean, bytes bytea, big bigint, small integer, words "
        "text, day date, moment timestamptz, id uuid, address tid)");
    database_->run("create type one_text as (words text)");
  }
  static void TearDownTestSuite() { database_.reset(); }

  TypeNumber number_of(const std::string& type) {
    return connection_.exec("select '" + type + "'::regtype::oid::bigint")[0][0].as<TypeNumber>();
  }

  /// Returns: what PostgreSQL makes of the rows, each as text.
  template <class Row>
  std::vector<std::string> read_back(const std::string& type, const std::vector<Row>& rows) {
    connection_.exec("begin; set local time zone 'UTC'");
    const auto array = array_of_rows(number_of(type), rows, [](const Row& row) { return row; });
    const auto found =
        connection_.exec_params("select r::text from unnest($1::" + type + "[]) as r", array);
    connection_.exec("rollback");
    std::vector<std::string> texts;
    for (const pqxx::row& row : found) texts.emplace_back(row[0].c_str());
    return texts;
  }

  static inline std::unique_ptr<TestDatabase> database_;
  Connection connection_{database_->options()};
};

using Bytes = std::array<std::uint8_t, 32>;
using Everything =
    std::tuple<std::optional<bool>, std::optional<Bytes>, std::optional<std::int64_t>,
               std::optional<int>, std::optional<std::string_view>, std::optional<Date>,
               std::optional<Instant>, std::optional<Uuid>, std::optional<RowAddress>>;

constexpr Date day(int year, unsigned month, unsigned day_of_month) {
  return {std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day_of_month}};
}

TEST_F(RowArray, arrives_as_it_was_whatever_the_type) {
  Bytes bytes{};
  bytes.front() = 0xfe;
  bytes.back() = 0x01;
  const Everything some{true,
                        bytes,
                        1'234'567'890'123,
                        -7,
                        "tea",
                        day(2026, 11, 28),
                        {},
                        *Uuid::parse("0193a5c2-7d4e-7abc-8def-0123456789ab"),
                        RowAddress{4'294'967'294, 65'535}};
  EXPECT_THAT(read_back("everything", std::vector{some}),
              ElementsAre("(t,\"\\\\xfe" + std::string(60, '0') +
                          "01\",1234567890123,-7,tea,2026-11-28,,"
                          "0193a5c2-7d4e-7abc-8def-0123456789ab,\"(4294967294,65535)\")"));
}

TEST_F(RowArray, keeps_nulls_and_limits) {
  const Everything nothing{};
  const Everything least{false,
                         {},
                         std::numeric_limits<std::int64_t>::min(),
                         std::numeric_limits<int>::min(),
                         "",
                         day(1969, 7, 20),
                         Instant{std::chrono::microseconds{-1}},
                         {},
                         {}};
  const Everything most{{},
                        {},
                        std::numeric_limits<std::int64_t>::max(),
                        std::numeric_limits<int>::max(),
                        {},
                        day(9999, 12, 31),
                        Instant{std::chrono::microseconds{253'402'300'799'999'999}},
                        {},
                        {}};
  EXPECT_THAT(read_back("everything", std::vector{nothing, least, most}),
              ElementsAre("(,,,,,,,,)",
                          "(f,,-9223372036854775808,-2147483648,\"\",1969-07-20,\"1969-12-31 "
                          "23:59:59.999999+00\",,)",
                          "(,,9223372036854775807,2147483647,,9999-12-31,\"9999-12-31 "
                          "23:59:59.999999+00\",,)"));
}

TEST_F(RowArray, needs_no_quotes_for_any_text) {
  const std::vector<std::tuple<std::string_view>> rows{{R"(a"b\c)"}, {"{x,y}"}, {"(1,2)"},
                                                       {"null"},     {" \n"},   {"žluťoučký 🐎"}};
  const auto array =
      array_of_rows(number_of("one_text"), rows, [](const auto& row) { return row; });
  std::vector<std::string> words;
  for (const pqxx::row& row :
       connection_.exec_params("select r.words from unnest($1::one_text[]) as r", array)) {
    words.emplace_back(row[0].c_str());
  }
  EXPECT_THAT(words, ElementsAre(R"(a"b\c)", "{x,y}", "(1,2)", "null", " \n", "žluťoučký 🐎"));
}

TEST_F(RowArray, may_be_empty) {
  EXPECT_THAT(read_back("one_text", std::vector<std::tuple<std::string_view>>{}), ElementsAre());
}

TEST_F(RowArray, is_refused_for_another_type) {
  const std::vector<std::tuple<bool>> rows{{true}};
  EXPECT_THROW(connection_.exec_params(
                   "select r from unnest($1::one_text[]) as r",
                   array_of_rows(number_of("one_text"), rows, [](const auto& row) { return row; })),
               std::logic_error);
}

}  // namespace
}  // namespace codasync::storage::postgres
