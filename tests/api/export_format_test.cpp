#include "api/export_format.hpp"

#include <gmock/gmock.h>

#include <deque>

namespace codasync::api {
namespace {

using storage::ExportColumn;
using Type = ExportColumn::Type;

constexpr std::array kColumns{ExportColumn{"shop", Type::number}, ExportColumn{"GTIN", Type::plain},
                              ExportColumn{"name", Type::text},
                              ExportColumn{"delta", Type::number}};

std::string written(ExportFormat format, const storage::ExportRecord& record) {
  std::string out;
  ExportWriter{format, kColumns}.add(record, out);
  return out;
}

std::string csv(const std::string& name) {
  return written(ExportFormat::csv, {"1", "4006381333931", name, "-2"});
}

TEST(ExportFormat, has_a_header_only_in_csv) {
  std::string out;
  ExportWriter{ExportFormat::csv, kColumns}.begin(out);
  EXPECT_EQ(out, "shop,GTIN,name,delta\n");
  out.clear();
  ExportWriter{ExportFormat::ndjson, kColumns}.begin(out);
  EXPECT_EQ(out, "");
}

TEST(ExportFormat, quotes_cells_of_csv_where_it_is_necessary) {
  EXPECT_EQ(csv("Tea"), "1,4006381333931,Tea,-2\n");
  EXPECT_EQ(csv("Tea, green"), "1,4006381333931,\"Tea, green\",-2\n");
  EXPECT_EQ(csv("Tea \"green\""), "1,4006381333931,\"Tea \"\"green\"\"\",-2\n");
  EXPECT_EQ(csv("a\nb"), "1,4006381333931,\"a\nb\",-2\n");
  EXPECT_EQ(written(ExportFormat::csv, {"1", std::nullopt, "x", std::nullopt}), "1,,x,\n");
}

TEST(ExportFormat, protects_texts_of_users_from_spreadsheets_but_not_numbers) {
  EXPECT_EQ(csv("=HYPERLINK(\"http://x\")"),
            "1,4006381333931,\"'=HYPERLINK(\"\"http://x\"\")\",-2\n");
  for (const auto* text : {"=1", "+1", "-1", "@a", "'=1"})
    EXPECT_EQ(csv(text), "1,4006381333931,'" + std::string{text} + ",-2\n");
  EXPECT_EQ(csv("\ta"), "1,4006381333931,'\ta,-2\n");
  EXPECT_EQ(csv("\ra"), "1,4006381333931,\"'\ra\",-2\n");
}

TEST(ExportFormat, writes_objects_with_numbers_texts_and_nulls) {
  EXPECT_EQ(
      written(ExportFormat::ndjson, {"1", "4006381333931", "=1 \"é\"\n", std::nullopt}),
      "{\"shop\":1,\"GTIN\":\"4006381333931\",\"name\":\"=1 \\\"é\\\"\\n\",\"delta\":null}\n");
}

/// An export of pieces with one product each.
class Products : public storage::Export {
 public:
  explicit Products(std::deque<std::string> names) : names_{std::move(names)} {}
  bool next(const std::function<void(const storage::ExportRecord&)>& take) override {
    if (names_.empty()) return false;
    take({"4006381333931", names_.front(), std::nullopt, std::nullopt});
    names_.pop_front();
    return true;
  }

 private:
  std::deque<std::string> names_;
};

TEST(ExportFormat, writes_an_export_piece_by_piece_and_counts_its_records) {
  ExportText text{std::make_unique<Products>(std::deque<std::string>{"Tea", "Oats"}),
                  storage::ExportKind::products, ExportFormat::csv};
  std::string piece;
  std::string all;
  int pieces = 0;
  for (; text.next(piece); ++pieces) all += piece;
  EXPECT_EQ(all, "GTIN,name,brand,category\n4006381333931,Tea,,\n4006381333931,Oats,,\n");
  EXPECT_EQ(pieces, 2);
  EXPECT_EQ(text.records(), 2U);
}

TEST(ExportFormat, writes_the_header_of_an_export_without_records) {
  ExportText text{std::make_unique<Products>(std::deque<std::string>{}),
                  storage::ExportKind::products, ExportFormat::csv};
  std::string piece;
  EXPECT_TRUE(text.next(piece));
  EXPECT_EQ(piece, "GTIN,name,brand,category\n");
  EXPECT_FALSE(text.next(piece));
}

TEST(ExportFormat, has_names) {
  EXPECT_EQ(parse_export_format("csv"), ExportFormat::csv);
  EXPECT_EQ(parse_export_format("ndjson"), ExportFormat::ndjson);
  EXPECT_EQ(parse_export_format("CSV"), std::nullopt);
}

}  // namespace
}  // namespace codasync::api
