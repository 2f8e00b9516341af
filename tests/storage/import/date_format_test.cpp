#include "storage/import/date_format.hpp"

#include <gtest/gtest.h>

#include <string>

namespace codasync::storage {
namespace {

using namespace std::chrono_literals;

std::string iso(std::string_view text) {
  const auto date = parse_iso_date(text);
  return date ? to_string(*date) : std::string{explain(date.error())}.substr(0, 20);
}

std::string read(std::string_view pattern, std::string_view text) {
  const auto format = DateFormat::parse(pattern);
  if (!format) return "no format";
  const auto date = format->read(text);
  return date ? to_string(*date) : "none";
}

std::string reason(DateRefusal refusal) { return std::string{explain(refusal)}.substr(0, 20); }

TEST(IsoDates, are_read_in_all_spellings) {
  for (const auto* text :
       {"2026-12-24", "20261224", "2026/12/24", "2026.12.24", "2026-W52-4", "2026W524", "2026-358",
        "2026358", "2026-12-24T00:00:00", "2026-12-24 00:00:00", "2026-12-24 13:45",
        "2026-12-24T13:45:30.123", "2026-12-24T00:00:00Z", "2026-12-24T00:00:00.000+02:00",
        "20261224T000000Z", "2026-12-24 00:00:00+00", "2026-12-24t00:00:00z"}) {
    EXPECT_EQ(iso(text), "2026-12-24") << text;
  }
  EXPECT_EQ(iso("2026-3-1"), "2026-03-01");
  EXPECT_EQ(iso("2026/3/1"), "2026-03-01");
  EXPECT_EQ(iso("2024-02-29"), "2024-02-29");
  EXPECT_EQ(iso("2020-W53-7"), "2021-01-03");
  EXPECT_EQ(iso("2026-W01-1"), "2025-12-29");
  EXPECT_EQ(iso("2024-366"), "2024-12-31");
}

TEST(IsoDates, are_never_guessed) {
  for (const auto* text :
       {"12/03/2026", "24.12.2026", "24-Dec-26", "12/2026", "31.02.2026", "24/12/26",
        "24 December 2026", "2026-24-12", "24-déc-26", "24 października 2026", "Dec 24, 2026",
        "December 4 2026", "12/24/2026 12:00:00 AM"}) {
    EXPECT_EQ(iso(text), reason(DateRefusal::not_iso)) << text;
  }
  for (const auto* text :
       {"", "never", "N/A", "-", "NULL", "261224", "2026", "2026-W54-1", "2027-W53-1", "2026-366x",
        "20261324", "2026-12-24T24:00:00", "2026-12-24T", "2026-12-24 x", "12"}) {
    const auto found = iso(text);
    EXPECT_TRUE(found == reason(DateRefusal::not_a_date) || found == reason(DateRefusal::not_iso))
        << text << ": " << found;
  }
  EXPECT_EQ(iso("2026-12"), reason(DateRefusal::no_day));
  EXPECT_EQ(iso("46015"), reason(DateRefusal::day_number));
  EXPECT_EQ(iso("2026-12-23T23:00:00Z"), reason(DateRefusal::in_other_zone));
}

TEST(IsoDates, that_no_calendar_has_are_not_called_ambiguous) {
  for (const auto* text : {"2026-02-30", "2026/13/13", "0000-00-00", "2026-00-00"})
    EXPECT_EQ(iso(text), reason(DateRefusal::not_a_date)) << text;
}

TEST(DateFormats, read_the_names_of_months_in_the_languages_of_the_headers) {
  for (const auto* text :
       {"24-Dec-2026", "24-Dez-2026", "24-déc.-2026", "24-DÉCEMBRE-2026", "24-dic-2026",
        "24-grudnia-2026", "24-december-2026", "24-Dezember-2026 00:00", "24-dez-2026"}) {
    EXPECT_EQ(read("DD-MMM-YYYY", text), "2026-12-24") << text;
  }
  EXPECT_EQ(read("DD. MMMM YYYY", "1. März 2027"), "2027-03-01");
  EXPECT_EQ(read("D MMM YYYY", "1 mrt. 2027"), "2027-03-01");
  for (const auto* text : {"1 Mrz 2027", "1 Mrz. 2027", "1 MRZ 2027", "1. Mrz. 2027"}) {
    EXPECT_EQ(read(text[1] == '.' ? "D. MMM YYYY" : "D MMM YYYY", text), "2027-03-01") << text;
  }
  EXPECT_EQ(read("D MMM YYYY", "1 Jänner 2027"), "2027-01-01") << "in Austria";
  EXPECT_EQ(read("D MMM YYYY", "1 Jän. 2027"), "2027-01-01");
  EXPECT_EQ(read("D MMM YYYY", "1 Feber 2027"), "2027-02-01");
  EXPECT_EQ(read("D MMM YYYY", "1 août 2027"), "2027-08-01");
  EXPECT_EQ(read("D MMM YYYY", "1 paź 2027"), "2027-10-01");
  EXPECT_EQ(read("MMM D, YYYY", "Sept. 1, 2027"), "2027-09-01");
  EXPECT_EQ(read("MMM YYYY", "février 2028"), "2028-02-29");
  EXPECT_EQ(read("D MMM YYYY", "1 juin 2027"), "2027-06-01");
  EXPECT_EQ(read("D MMM YYYY", "1 juil. 2027"), "2027-07-01");
  for (const auto* text : {"1 jui 2027", "1 de 2027", "1 xyz 2027", "1 Decx 2027", "1 12 2027"})
    EXPECT_EQ(read("D MMM YYYY", text), "none") << text;
}

TEST(DateFormats, read_what_the_pattern_says) {
  EXPECT_EQ(read("DD.MM.YYYY", "24.12.2026"), "2026-12-24");
  EXPECT_EQ(read("dd.mm.yyyy", "1.3.2026"), "2026-03-01");
  EXPECT_EQ(read("DD/MM/YYYY", "12/03/2026"), "2026-03-12");
  EXPECT_EQ(read("MM/DD/YYYY", "12/03/2026"), "2026-12-03");
  EXPECT_EQ(read("D/M/YY", "1/3/26"), "2026-03-01");
  EXPECT_EQ(read("DD-MMM-YY", "24-Dec-26"), "2026-12-24");
  EXPECT_EQ(read("D MMM YYYY", "4 JAN 2027"), "2027-01-04");
  EXPECT_EQ(read("YYMMDD", "261224"), "2026-12-24");
  EXPECT_EQ(read("DDMMYYYY", "24122026"), "2026-12-24");
  EXPECT_EQ(read("MM/YYYY", "02/2028"), "2028-02-29");
  EXPECT_EQ(read("YYYY-MM", "2026-12"), "2026-12-31");
  EXPECT_EQ(read("DD.MM.YYYY", "24.12.2026 00:00:00"), "2026-12-24");
  EXPECT_EQ(read("DD.MM.YYYY", "24. 12. 2026"), "2026-12-24");
  EXPECT_EQ(read("MM/DD/YYYY", "12/24/2026 12:00:00 AM"), "2026-12-24");
  EXPECT_EQ(read("MM/DD/YYYY", "12/24/2026 1:30 pm"), "2026-12-24");
  EXPECT_EQ(read("MM/DD/YYYY", "12/24/2026 13:30 PM"), "none");
  EXPECT_EQ(read("excel", "46380"), "2026-12-24");
  EXPECT_EQ(read("excel", "46380.5"), "2026-12-24");
}

TEST(DateFormats, refuse_everything_else) {
  EXPECT_EQ(read("DD.MM.YYYY", "31.02.2026"), "none");
  EXPECT_EQ(read("DD.MM.YYYY", "12/24/2026"), "none");
  EXPECT_EQ(read("DD.MM.YYYY", "24.12.26"), "none");
  EXPECT_EQ(read("DD.MM.YYYY", "24.12.2026x"), "none");
  EXPECT_EQ(read("DD.MM.YYYY", "24.13.2026"), "none");
  EXPECT_EQ(read("DDMMYYYY", "1122026"), "none");
  EXPECT_EQ(read("MM/YYYY", "13/2026"), "none");
  EXPECT_EQ(read("excel", "4638"), "none");
  for (const auto* pattern : {"", "DD.MM", "DD", "YYYY", "DD.MM.YYY", "DD.MM.YYYY hh:mm",
                              "DDD.MM.YY", "DD.DD.MM.YYYY", "%d.%m.%Y", "iso"}) {
    EXPECT_EQ(read(pattern, "24.12.2026"), "no format") << pattern;
  }
}

}  // namespace
}  // namespace codasync::storage
