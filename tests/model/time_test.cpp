#include "storage/model/time.hpp"

#include <gtest/gtest.h>

namespace codasync {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

TEST(Dates, are_the_days_of_the_calendar) {
  for (const auto* text : {"2026-11-24", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"}) {
    const auto date = parse_date(text);
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(to_string(*date), text);
  }
  EXPECT_EQ(parse_date("2026-11-24"), 2026y / 11 / 24);
}

TEST(Dates, can_have_months_and_days_of_one_digit) {
  for (const auto* text : {"2026-3-1", "2026-03-1", "2026-3-01", "2026-03-01"}) {
    const auto date = parse_date(text);
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(to_string(*date), "2026-03-01");
  }
  EXPECT_EQ(parse_date("2026-12-9"), 2026y / 12 / 9);
}

TEST(Dates, of_expiry_are_from_2000_to_a_hundred_years_from_now) {
  const Date today = 2026y / 11 / 24;
  for (const Date date : {2000y / 1 / 1, 2000y / 1 / 2, 2026y / 11 / 24, 2126y / 11 / 24})
    EXPECT_TRUE(is_expiry_date(date, today)) << to_string(date);
  for (const Date date : {1y / 1 / 1, 26y / 12 / 24, 1899y / 12 / 30, 1999y / 12 / 31,
                          2126y / 11 / 25, 3026y / 12 / 1, 9999y / 12 / 31})
    EXPECT_FALSE(is_expiry_date(date, today)) << to_string(date);
  EXPECT_TRUE(is_expiry_date(2100y / 2 / 28, 2000y / 2 / 29));
  EXPECT_FALSE(is_expiry_date(2100y / 3 / 1, 2000y / 2 / 29));
}

TEST(Dates, of_instants_are_in_utc) {
  EXPECT_EQ(date_of(*parse_instant("2026-11-24T23:59:59.999999Z")), 2026y / 11 / 24);
  EXPECT_EQ(date_of(*parse_instant("2026-11-25T00:00:00+14:00")), 2026y / 11 / 24);
  EXPECT_EQ(date_of(*parse_instant("1969-12-31T23:00:00Z")), 1969y / 12 / 31);
}

TEST(Dates, that_do_not_exist_or_have_another_format_are_refused) {
  for (const auto* text : {"",
                           "2026-02-29",
                           "1900-02-29",
                           "2026-04-31",
                           "2026-00-10",
                           "2026-13-01",
                           "2026-01-00",
                           "2026-01-32",
                           "0000-01-01",
                           "2026-1-001",
                           "2026-001-1",
                           "2026-1-",
                           "2026-1",
                           "2026-3-1T00:00:00",
                           "26-3-1",
                           "26-01-01",
                           "10000-01-01",
                           "2026/01/01",
                           "01.02.2026",
                           "20260101",
                           " 2026-01-01",
                           "2026-01-01 ",
                           "2026-01-01T00:00:00Z",
                           "-026-01-01",
                           "2026-01-0a",
                           "2026--1-01"}) {
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  }
}

TEST(Instants, of_any_offset_become_utc) {
  const Instant expected = sys_days{2026y / 11 / 24} + 4h + 15min;
  for (const auto* text :
       {"2026-11-24T04:15:00Z", "2026-11-24t04:15:00z", "2026-11-24T04:15:00+00:00",
        "2026-11-24T04:15:00-00:00", "2026-11-24T09:45:00+05:30", "2026-11-23T23:15:00-05:00",
        "2026-11-24T04:15:00.0Z", "2026-11-24T04:15:00.0000009Z", "2026-11-25T04:14:00+23:59"}) {
    EXPECT_EQ(parse_instant(text), expected) << text;
  }
}

TEST(Instants, have_months_and_days_of_two_digits) {
  EXPECT_EQ(parse_instant("2026-3-1T00:00:00Z"), std::nullopt);
}

TEST(Instants, keep_six_decimals) {
  const Instant second = sys_days{2026y / 1 / 1};
  EXPECT_EQ(parse_instant("2026-01-01T00:00:00.25Z"), second + 250ms);
  EXPECT_EQ(parse_instant("2026-01-01T00:00:00.123456Z"), second + 123456us);
  EXPECT_EQ(parse_instant("2026-01-01T00:00:00.123456999Z"), second + 123456us);
  EXPECT_EQ(parse_instant("2026-01-01T00:00:00.000001+00:00"), second + 1us);
}

TEST(Instants, that_are_not_rfc_3339_are_refused) {
  for (const auto* text : {
           "",
           "2026-01-01",
           "2026-01-01T00:00:00",
           "2026-01-01 00:00:00Z",
           "2026-01-01T00:00Z",
           "2026-01-01T24:00:00Z",
           "2026-01-01T00:60:00Z",
           "2026-01-01T00:00:61Z",
           "2026-01-01T00:00:00.Z",
           "2026-01-01T00:00:00,5Z",
           "2026-01-01T00:00:00+0100",
           "2026-01-01T00:00:00+24:00",
           "2026-01-01T00:00:00+01:60",
           "2026-01-01T00:00:00+01",
           "2026-01-01T00:00:00ZZ",
           "2026-02-30T00:00:00Z",
           "2026-01-01T0:00:00Z",
           "2026-01-01T00:00:00 Z",
           "1767225600",
           "2026-01-01T-1:00:00Z",
           "2026-01-01T00:x0:00Z",
           "2026-01-01T00:00:x0Z",
           "2026-01-01T00:00:00-1:00",
       }) {
    EXPECT_EQ(parse_instant(text), std::nullopt) << text;
  }
}

TEST(Instants, leap_seconds_are_refused) {
  EXPECT_EQ(parse_instant("2016-12-31T23:59:60Z"), std::nullopt);
  EXPECT_EQ(parse_instant("1990-12-31T15:59:60-08:00"), std::nullopt);
}

TEST(Instants, are_in_the_years_1_to_9999_in_utc) {
  EXPECT_TRUE(parse_instant("0001-01-01T00:00:00Z"));
  EXPECT_TRUE(parse_instant("9999-12-31T23:59:59.999999Z"));
  EXPECT_FALSE(parse_instant("0001-01-01T00:00:00+00:01"));
  EXPECT_FALSE(parse_instant("9999-12-31T23:59:59-00:01"));
}

TEST(Instants, are_written_with_as_many_decimals_as_needed) {
  const Instant moment = sys_days{2026y / 11 / 24} + 4h + 15min;
  EXPECT_EQ(to_string(moment), "2026-11-24T04:15:00Z");
  EXPECT_EQ(to_string(moment + 250ms), "2026-11-24T04:15:00.25Z");
  EXPECT_EQ(to_string(moment + 1us), "2026-11-24T04:15:00.000001Z");
  EXPECT_EQ(to_string(moment + 999999us), "2026-11-24T04:15:00.999999Z");
  const Instant before_1970 = sys_days{1969y / 12 / 31} + 23h + 59min + 59s + 500ms;
  EXPECT_EQ(to_string(before_1970), "1969-12-31T23:59:59.5Z");
}

TEST(Instants, are_the_same_after_writing_and_parsing) {
  for (Instant moment = sys_days{1965y / 1 / 1}; moment < sys_days{2060y / 1 / 1};
       moment += 1234567h / 1000 + 98765s + 4321us) {
    EXPECT_EQ(parse_instant(to_string(moment)), moment);
  }
  EXPECT_EQ(parse_instant(to_string(now())).has_value(), true);
}

}  // namespace
}  // namespace codasync
