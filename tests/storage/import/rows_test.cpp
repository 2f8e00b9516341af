#include "storage/import/rows.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

TEST(ProductRows, without_a_name_say_so) {
  const auto row =
      product_row(2, {.gtin = "96385074", .name = "  ", .brand = {}, .category = {}}, {});
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().reason, "The name is missing.");
}

TEST(ProductRows, clear_the_empty_fields_of_columns_that_the_file_has_on_request) {
  const ProductFields fields{.gtin = "96385074", .name = "Tea", .brand = " ", .category = {}};
  const auto kept = product_row(2, fields, {});
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->brand, std::nullopt);
  const auto cleared = product_row(2, fields, {.empty_cells = EmptyCells::clear});
  ASSERT_TRUE(cleared);
  EXPECT_EQ(cleared->brand, "");
  EXPECT_EQ(cleared->category, std::nullopt) << "the file has no column for it";
}

using namespace std::chrono_literals;

constexpr auto kTea = "4006381333931";
constexpr Date kToday = 2026y / 11 / 24;

RowRefusal refusal_of(const ProductFields& fields) {
  const auto row = product_row(7, fields, RowRules{});
  EXPECT_FALSE(row);
  return row ? RowRefusal{0, "", ""} : row.error();
}

RowRefusal refusal_of(const ReadingFields& fields) {
  const auto row = reading_row(7, fields, RowRules{}, kToday);
  EXPECT_FALSE(row);
  return row ? RowRefusal{0, "", ""} : row.error();
}

TEST(ProductRows, are_trimmed_and_have_no_value_for_empty_fields) {
  const auto row = product_row(
      3, {.gtin = " 4006381333931\t", .name = "  Green \n tea ", .brand = " ", .category = "Tea"},
      RowRules{});
  ASSERT_TRUE(row);
  EXPECT_EQ(row->line, 3U);
  EXPECT_EQ(row->gtin, *Gtin::parse(kTea));
  EXPECT_EQ(row->name, "Green tea");
  EXPECT_EQ(row->brand, std::nullopt);
  EXPECT_EQ(row->category, "Tea");
}

TEST(ProductRows, are_refused_with_their_first_invalid_field) {
  const std::string long_text(256, 'x');
  const auto scientific = refusal_of({.gtin = "8,02E+12", .name = "", .brand = "", .category = ""});
  EXPECT_EQ(scientific.line, 7U);
  EXPECT_EQ(scientific.field, "GTIN");
  EXPECT_EQ(scientific.reason, explain(GtinRefusal::scientific_notation));
  EXPECT_EQ(refusal_of({.gtin = "", .name = "x", .brand = "", .category = ""}).field, "GTIN");
  EXPECT_EQ(refusal_of({.gtin = kTea, .name = " ", .brand = "", .category = ""}).field, "name");
  EXPECT_EQ(refusal_of({.gtin = kTea, .name = "caf\xE9", .brand = "", .category = ""}).field,
            "name");
  EXPECT_EQ(refusal_of({.gtin = kTea, .name = "a\x01", .brand = "", .category = ""}).field, "name");
  EXPECT_EQ(refusal_of({.gtin = kTea, .name = long_text, .brand = "", .category = ""}).field,
            "name");
  EXPECT_EQ(refusal_of({.gtin = kTea, .name = "x", .brand = long_text, .category = ""}).field,
            "brand");
  EXPECT_EQ(refusal_of({.gtin = kTea, .name = "x", .brand = "", .category = "\x7F"}).field,
            "category");
}

TEST(ProductRows, one_lost_zero_is_restored_on_request_only) {
  const auto row_of = [](std::string_view gtin, LostZeros lost_zeros) {
    return product_row(1, {.gtin = gtin, .name = "x", .brand = "", .category = ""},
                       {.lost_zeros = lost_zeros});
  };
  EXPECT_FALSE(row_of("76500087100", LostZeros::refuse));
  const auto restored = row_of("76500087100", LostZeros::restore);
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->gtin.canonical(), "076500087100");
  EXPECT_FALSE(row_of("76500087101", LostZeros::restore)) << "wrong check digit";
  EXPECT_FALSE(row_of("9542441425", LostZeros::restore))
      << "ten digits: the missing ones would be a guess";
  EXPECT_FALSE(row_of("790620105", LostZeros::restore));
}

TEST(ReadingRows, have_all_fields_of_the_file) {
  const auto row = reading_row(9,
                               {.shop = "12",
                                .gtin = kTea,
                                .expiry_date = "2026-12-24",
                                .date_kind = "use_by",
                                .quantity = "5",
                                .kind = "check",
                                .observed_at = "2026-11-24T10:00:00+01:00",
                                .name = " Green  tea"},
                               RowRules{}, kToday);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->line, 9U);
  EXPECT_EQ(row->shop, ShopId{12});
  EXPECT_EQ(row->kind, EventKind::check);
  EXPECT_EQ(row->date, (ShelfDate{2026y / 12 / 24, DateKind::use_by}));
  EXPECT_EQ(row->quantity, 5);
  EXPECT_EQ(row->observed_at, std::chrono::sys_days{2026y / 11 / 24} + 9h);
  EXPECT_EQ(row->name, "Green tea");
}

TEST(ReadingRows, accept_the_limits_of_expiry_dates_and_numbers_as_spreadsheets_write_them) {
  const auto row_of = [](std::string_view date, std::string_view quantity) {
    const auto row = reading_row(1,
                                 {.shop = "1",
                                  .gtin = kTea,
                                  .expiry_date = date,
                                  .date_kind = "",
                                  .quantity = quantity,
                                  .kind = "",
                                  .observed_at = "",
                                  .name = ""},
                                 RowRules{}, kToday);
    EXPECT_TRUE(row) << date << quantity;
    return *row;
  };
  EXPECT_EQ(row_of("2000-01-01", "").date->date, 2000y / 1 / 1);
  EXPECT_EQ(row_of("2126-11-24", "").date->date, 2126y / 11 / 24);
  EXPECT_EQ(row_of("2026-3-1", "").date->date, 2026y / 3 / 1);
  EXPECT_EQ(row_of("", "5.0").quantity, 5);
}

TEST(ReadingRows, are_sightings_by_default) {
  const auto row = reading_row(1,
                               {.shop = "1",
                                .gtin = kTea,
                                .expiry_date = "",
                                .date_kind = "",
                                .quantity = "",
                                .kind = "",
                                .observed_at = "",
                                .name = ""},
                               RowRules{}, kToday);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->kind, EventKind::sighting);
  EXPECT_EQ(row->date, std::nullopt);
  EXPECT_EQ(row->quantity, std::nullopt);
  EXPECT_EQ(row->observed_at, std::nullopt);
  EXPECT_EQ(row->name, std::nullopt);
}

TEST(ReadingRows, are_refused_with_their_first_invalid_field) {
  struct Case {
    ReadingFields fields;
    const char* bad;
  };
  ReadingFields good{.shop = "1",
                     .gtin = kTea,
                     .expiry_date = "2026-12-24",
                     .date_kind = "",
                     .quantity = "",
                     .kind = "",
                     .observed_at = "",
                     .name = ""};
  const auto with = [&](auto member, std::string_view value) {
    auto fields = good;
    fields.*member = value;
    return fields;
  };
  for (const auto& [fields, bad] : {
           Case{with(&ReadingFields::shop, ""), "shop"},
           Case{with(&ReadingFields::shop, "Main Street"), "shop"},
           Case{with(&ReadingFields::shop, "0"), "shop"},
           Case{with(&ReadingFields::shop, "99999999999999999999"), "shop"},
           Case{with(&ReadingFields::gtin, "123"), "GTIN"},
           Case{with(&ReadingFields::expiry_date, "24.12.2026"), "expiry_date"},
           Case{with(&ReadingFields::expiry_date, "2026-02-30"), "expiry_date"},
           Case{with(&ReadingFields::expiry_date, "0026-12-24"), "expiry_date"},
           Case{with(&ReadingFields::expiry_date, "1899-12-30"), "expiry_date"},
           Case{with(&ReadingFields::expiry_date, "1999-12-31"), "expiry_date"},
           Case{with(&ReadingFields::expiry_date, "2126-11-25"), "expiry_date"},
           Case{with(&ReadingFields::gtin, "0000000000000"), "GTIN"},
           Case{with(&ReadingFields::name, "\u200B\u0301"), "name"},
           Case{with(&ReadingFields::name, "a\u202Eb"), "name"},
           Case{with(&ReadingFields::date_kind, "mhd"), "date_kind"},
           Case{with(&ReadingFields::quantity, "-1"), "quantity"},
           Case{with(&ReadingFields::quantity, "2147483648"), "quantity"},
           Case{with(&ReadingFields::quantity, "1.5"), "quantity"},
           Case{with(&ReadingFields::kind, "adjust"), "kind"},
           Case{with(&ReadingFields::kind, "remove"), "kind"},
           Case{with(&ReadingFields::kind, "void"), "kind"},
           Case{with(&ReadingFields::kind, "count"), "quantity"},
           Case{with(&ReadingFields::observed_at, "yesterday"), "observed_at"},
           Case{with(&ReadingFields::observed_at, "2026-11-24T10:00:00"), "observed_at"},
           Case{with(&ReadingFields::name, "a\x01"), "name"},
       }) {
    EXPECT_EQ(refusal_of(fields).field, bad);
  }
  auto count_with_a_date = with(&ReadingFields::kind, "count");
  count_with_a_date.quantity = "3";
  EXPECT_EQ(refusal_of(count_with_a_date).field, "expiry_date");
  auto kind_without_a_date = with(&ReadingFields::date_kind, "use_by");
  kind_without_a_date.expiry_date = "";
  EXPECT_EQ(refusal_of(kind_without_a_date).field, "date_kind");
}

ImportedReading accepted(const ReadingFields& fields, const RowRules& rules = {}) {
  const auto row = reading_row(7, fields, rules, kToday);
  if (row) return *row;
  ADD_FAILURE() << row.error().field << ": " << row.error().reason;
  return {.line = 0,
          .shop = ShopId{1},
          .gtin = *Gtin::parse(kTea),
          .kind = {},
          .date = {},
          .quantity = {},
          .observed_at = {},
          .name = {}};
}

ReadingFields fields_of(std::string_view kind) {
  return {.shop = "1",
          .gtin = kTea,
          .expiry_date = "",
          .date_kind = "",
          .quantity = "",
          .kind = kind,
          .observed_at = "",
          .name = ""};
}

TEST(ReadingRows, read_every_field_as_spreadsheets_protect_it) {
  auto fields = fields_of("=\"check\"");
  fields.expiry_date = "=\"2026-12-24\"";
  fields.date_kind = "=\"use by\"";
  fields.quantity = "=\"5\"";
  fields.observed_at = "=\"2026-11-24T10:00:00+01:00\"";
  const auto row = accepted(fields);
  EXPECT_EQ(row.kind, EventKind::check);
  EXPECT_EQ(row.date, (ShelfDate{2026y / 12 / 24, DateKind::use_by}));
  EXPECT_EQ(row.quantity, 5);
  EXPECT_EQ(row.observed_at, std::chrono::sys_days{2026y / 11 / 24} + 9h);
  for (const std::string_view kind : {"\u200Echeck", "check\u200C", "'check", "Check\u00A0"}) {
    fields.kind = kind;
    if (kind.front() == '\'') {
      EXPECT_EQ(refusal_of(fields).field, "kind");
    } else {
      EXPECT_EQ(accepted(fields).kind, EventKind::check) << kind;
    }
  }
}

TEST(ReadingRows, with_a_field_that_only_looks_filled_have_an_empty_field) {
  for (const std::string_view empty : {"=\"\"", "\u200E", "\u00AD", "\u200B\u200F"}) {
    auto fields = fields_of("count");
    fields.quantity = empty;
    EXPECT_EQ(refusal_of(fields).field, "quantity") << "a count requires a quantity: " << empty;
    fields.quantity = "4";
    fields.expiry_date = empty;
    EXPECT_EQ(accepted(fields).date, std::nullopt) << empty;
    fields.kind = "";
    fields.date_kind = "use_by";
    EXPECT_EQ(refusal_of(fields).field, "date_kind") << empty;
    fields = fields_of(empty);
    fields.observed_at = empty;
    fields.date_kind = empty;
    EXPECT_EQ(accepted(fields).kind, EventKind::sighting) << empty;
  }
}

TEST(ReadingRows, of_checks_need_a_column_for_the_date) {
  test::Collected<ImportedReading> readings;
  const auto without =
      test::import_text("shop,gtin,kind,quantity\n1,4006381333931,check,4\n", {}, readings);
  ASSERT_TRUE(without);
  ASSERT_EQ(readings.refused.size(), 1U);
  EXPECT_EQ(readings.refused[0].field, "expiry_date");
  test::Collected<ImportedReading> empty;
  ASSERT_TRUE(
      test::import_text("shop,gtin,kind,expiry_date\n1,4006381333931,check,\n"
                        "1,96385074,count,\n",
                        {}, empty));
  ASSERT_EQ(empty.rows().size(), 1U) << "a count requires a quantity";
  EXPECT_EQ(empty.rows()[0].date, std::nullopt) << "nothing is left";
}

TEST(ReadingRows, read_times_as_databases_and_programs_write_them) {
  auto fields = fields_of("");
  const auto moment = std::chrono::sys_days{2026y / 11 / 24} + 9h + 15min;
  for (const std::string_view text :
       {"2026-11-24T10:15:00+01:00", "2026-11-24 10:15:00+01:00", "2026-11-24 10:15:00+01",
        "2026-11-24 10:15:00.000+0100", "2026-11-24 10:15:00 +01:00", "2026-11-24 09:15:00Z",
        "2026-11-24T04:15:00\u221205:00", "2026-11-24 09:15:00-00"}) {
    fields.observed_at = text;
    EXPECT_EQ(accepted(fields).observed_at, moment) << text;
  }
  for (const std::string_view text : {"2026-11-24 10:15:00", "2026-11-24", "2026-11-24 10:15:00+1",
                                      "2026-11-24 10:15:00+01:", "2026-11-24 10:15:00+010",
                                      "2026-11-24 10:15+01", "24.11.2026 10:15:00+01:00"}) {
    fields.observed_at = text;
    EXPECT_EQ(refusal_of(fields).field, "observed_at") << text;
  }
}

TEST(ReadingRows, name_a_shop_by_its_id_or_its_name_and_never_guess) {
  const RowRules rules{
      .shops = {
          {"Main Street", ShopId{3}}, {"7", ShopId{4}}, {"104", ShopId{5}}, {"6", ShopId{6}}}};
  auto fields = fields_of("");
  const auto shop_of = [&](std::string_view text) {
    fields.shop = text;
    return accepted(fields, rules).shop;
  };
  EXPECT_EQ(shop_of("3"), ShopId{3});
  EXPECT_EQ(shop_of("Main Street"), ShopId{3});
  EXPECT_EQ(shop_of("6"), ShopId{6}) << "the id and the name of the same shop";
  EXPECT_EQ(shop_of("104"), ShopId{5}) << "no shop has this id";
  EXPECT_EQ(shop_of("99"), ShopId{99}) << "refused later";
  fields.shop = "4";
  EXPECT_EQ(accepted(fields, rules).shop, ShopId{4});
  const RowRules unclear{.shops = {{"North", ShopId{7}}, {"7", ShopId{4}}}};
  fields.shop = "7";
  const auto row = reading_row(7, fields, unclear, kToday);
  ASSERT_FALSE(row) << "the id of one shop and the name of another";
  EXPECT_EQ(row.error().field, "shop");
}

}  // namespace
}  // namespace codasync::storage
