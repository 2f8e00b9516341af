#include "api/exports.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

constexpr auto csv = std::optional{ExportFormat::csv};
constexpr auto ndjson = std::optional{ExportFormat::ndjson};

TEST(MediaType, is_that_of_the_format) {
  EXPECT_EQ(media_type_of(ExportFormat::csv), "text/csv; charset=utf-8; header=present");
  EXPECT_EQ(media_type_of(ExportFormat::ndjson), "application/x-ndjson");
}

TEST(FormatOfAccept, is_csv_unless_json_is_wanted_more) {
  for (const auto* accept :
       {"", " ", "*/*", "text/csv", "text/*", "TEXT/CSV; charset=utf-8",
        "text/csv, application/x-ndjson", "application/x-ndjson;q=0.5, */*",
        "text/html, application/xhtml+xml, */*;q=0.8", "application/x-ndjson;q=0, */*"})
    EXPECT_EQ(format_of_accept(accept), csv) << accept;
}

TEST(FormatOfAccept, is_json_where_it_is_wanted_more) {
  for (const auto* accept :
       {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/*",
        "Application/X-NDJSON", "application/x-ndjson, text/csv;q=0.9", "text/csv;q=0, */*;q=0.1",
        "*/*;q=0.1, application/x-ndjson"})
    EXPECT_EQ(format_of_accept(accept), ndjson) << accept;
}

TEST(FormatOfAccept, is_nothing_for_other_types) {
  for (const auto* accept : {"text/html", "image/*", "application/json", "text/csv;q=0", "*/*;q=0",
                             "nonsense", ",", ";q=1"})
    EXPECT_EQ(format_of_accept(accept), std::nullopt) << accept;
}

}  // namespace
}  // namespace codasync::api
