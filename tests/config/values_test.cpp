#include "config/settings/values.hpp"

#include <gmock/gmock.h>

namespace codasync::config {
namespace {

using namespace std::chrono_literals;

template <class T>
std::optional<T> parsed(std::string_view text) {
  T value{};
  return parse(text, value) ? std::optional{value} : std::nullopt;
}

std::optional<std::size_t> parsed_bytes(std::string_view text) {
  const auto bytes = parsed<Bytes>(text);
  return bytes ? std::optional{bytes->count} : std::nullopt;
}

TEST(Values, a_duration_is_a_number_and_a_unit) {
  EXPECT_EQ(parsed<std::chrono::milliseconds>("250ms"), 250ms);
  EXPECT_EQ(parsed<std::chrono::milliseconds>("0ms"), 0ms);
  EXPECT_EQ(parsed<std::chrono::milliseconds>("5s"), 5s);
  EXPECT_EQ(parsed<std::chrono::milliseconds>("10min"), 10min);
  EXPECT_EQ(parsed<std::chrono::milliseconds>("1h"), 1h);
  EXPECT_EQ(parsed<std::chrono::milliseconds>("30d"), 720h);
}

TEST(Values, other_texts_are_not_a_duration) {
  for (const auto* text : {"", "5", "s", "-5s", "+5s", " 5s", "5 s", "5s ", "1.5s", "5S", "5m",
                           "1e3ms", "99999999999999999999s", "9223372036854775807s"}) {
    EXPECT_EQ(parsed<std::chrono::milliseconds>(text), std::nullopt) << text;
  }
}

TEST(Values, whole_seconds_have_no_fraction) {
  EXPECT_EQ(parsed<std::chrono::seconds>("2000ms"), 2s);
  EXPECT_EQ(parsed<std::chrono::seconds>("2500ms"), std::nullopt);
}

TEST(Values, a_size_may_have_a_unit) {
  EXPECT_EQ(parsed_bytes("4096"), 4096U);
  EXPECT_EQ(parsed_bytes("64KiB"), 65'536U);
  EXPECT_EQ(parsed_bytes("1MB"), 1'000'000U);
  EXPECT_EQ(parsed_bytes("1GiB"), 1'073'741'824U);
  for (const auto* text : {"", "KB", "1kb", "1 MB", "-1", "1.5MB", "99999999999999GB"}) {
    EXPECT_EQ(parsed_bytes(text), std::nullopt) << text;
  }
}

TEST(Values, a_count_has_only_digits) {
  EXPECT_EQ(parsed<std::size_t>("0"), 0U);
  EXPECT_EQ(parsed<std::size_t>("18446744073709551615"), 18'446'744'073'709'551'615U);
  for (const auto* text : {"", "-1", "+1", "0x10", "1.0", "1 ", "18446744073709551616"}) {
    EXPECT_EQ(parsed<std::size_t>(text), std::nullopt) << text;
  }
}

TEST(Values, a_flag_is_true_or_false) {
  EXPECT_EQ(parsed<bool>("true"), true);
  EXPECT_EQ(parsed<bool>("false"), false);
  for (const auto* text : {"", "1", "yes", "True"})
    EXPECT_EQ(parsed<bool>(text), std::nullopt) << text;
}

TEST(Values, a_list_is_separated_by_commas) {
  using List = std::vector<std::string>;
  EXPECT_EQ(parsed<List>(""), List{});
  EXPECT_EQ(parsed<List>("none"), List{});
  EXPECT_EQ(parsed<List>("a:1"), List{"a:1"});
  EXPECT_EQ(parsed<List>("a:1, unix:/b"), (List{"a:1", "unix:/b"}));
  for (const auto* text : {",", "a,,b", " ", ",a"})
    EXPECT_EQ(parsed<List>(text), std::nullopt) << text;
}

TEST(Values, a_printed_value_parses_to_the_same_value) {
  for (const auto each :
       {0ms, 1ms, 999ms, 1000ms, 1500ms, 60'000ms, 90'000ms, 3'600'000ms, 2'592'000'000ms}) {
    EXPECT_EQ(parsed<std::chrono::milliseconds>(print(each)), each) << print(each);
  }
  for (const std::size_t each : {0UL, 1UL, 999UL, 1000UL, 1024UL, 1'100'000UL, 1'048'576UL}) {
    EXPECT_EQ(parsed_bytes(print(Bytes{each})), each) << print(Bytes{each});
  }
  EXPECT_EQ(print(0s), "0s");
  EXPECT_EQ(print(3600s), "1h");
}

TEST(Values, an_empty_list_is_printed_as_none_and_a_login_before_an_address_as_asterisks) {
  using List = std::vector<std::string>;
  EXPECT_EQ(print(List{}), "none");
  EXPECT_EQ(print(List{"a:1", "unix:/b"}), "a:1,unix:/b");
  EXPECT_EQ(print(List{"a:1", "user:hunter2@b:2"}), "a:1,user:********@b:2");
  EXPECT_EQ(print(List{"hunter2@b:2"}), "********@b:2");
}

TEST(Values, an_address_of_postgresql_is_printed_without_its_passwords) {
  EXPECT_EQ(print(Secret{}), "");
  EXPECT_EQ(print(Secret{"postgresql:///codasync"}), "postgresql:///codasync");
  EXPECT_EQ(print(Secret{"postgresql://service@db.example:5433/codasync?sslmode=verify-full"}),
            "postgresql://service@db.example:5433/codasync?sslmode=verify-full");
  EXPECT_EQ(print(Secret{"postgresql://service:hunter2@a,b:5433/codasync?sslmode=require"}),
            "postgresql://service:********@a,b:5433/codasync?sslmode=require");
  EXPECT_EQ(print(Secret{"postgres://service:hun%3Ater2@[::1]/codasync"}),
            "postgres://service:********@[::1]/codasync");
  EXPECT_EQ(print(Secret{"postgresql:///c?user=service&password=hunter2&host=/run/pg"}),
            "postgresql:///c?user=service&password=********&host=/run/pg");
  EXPECT_EQ(print(Secret{"postgresql://a/c?sslpassword=hunter2"}),
            "postgresql://a/c?sslpassword=********");
  EXPECT_EQ(print(Secret{R"(host=a password='hunter \'2' user=service)"}),
            "host=a password=******** user=service");
  EXPECT_EQ(print(Secret{R"(password = hunter\ 2 host=a)"}), "password = ******** host=a");
}

TEST(Values, an_address_whose_password_cannot_be_found_is_printed_as_asterisks) {
  for (const auto* unclear : {"hunter2", "postgresql://a:hunter2@", "postgresql://u:hunter2@h:x y/",
                              "mysql://u:hunter2@h/", "host=a password='hunter2",
                              "postgresql://u:hunter2@hunter2/codasync"}) {
    EXPECT_THAT(print(Secret{unclear}), testing::Not(testing::HasSubstr("hunter2"))) << unclear;
  }
}

}  // namespace
}  // namespace codasync::config
