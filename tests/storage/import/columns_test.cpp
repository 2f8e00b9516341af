#include "storage/import/columns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "storage/import/header_names.hpp"
#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

using testing::Contains;
using testing::HasSubstr;
using Products = test::Collected<ProductRow>;
using Readings = test::Collected<ImportedReading>;
using Use = ColumnUse::Use;

TEST(HeaderNames, are_equal_without_case_accents_blanks_and_punctuation) {
  for (const auto* header : {"expiry_date", "Expiry date", "expiryDate", "EXPIRY-DATE",
                             "Expiry.Date", " expiry  date ", "\"Expiry\" date", "ExpiryDate"}) {
    EXPECT_EQ(plain_header(header), "expirydate") << header;
  }
  EXPECT_EQ(plain_header("Catégorie"), plain_header("categorie"));
  EXPECT_EQ(plain_header("Cate\u0301gorie"), plain_header("Catégorie")) << "decomposed";
  EXPECT_EQ(plain_header("Größe"), "grosse");
  EXPECT_EQ(plain_header("Ważność"), "waznosc");
  EXPECT_EQ(plain_header("товар"), "товар");
  EXPECT_EQ(plain_header("()"), "");
}

/// Returns: the field of a header; empty: none.
std::string field_of(std::string_view header) {
  const auto meaning = meaning_of(header);
  if (!meaning) return "";
  return meaning->kind == HeaderMeaning::Kind::known_unused ? "unused"
                                                            : std::string{name_of(meaning->field)};
}

TEST(HeaderNames, of_many_systems_and_eight_languages_are_known) {
  struct Case {
    const char* field;
    std::vector<const char*> headers;
  };
  const std::vector<Case> cases{
      {"gtin",
       {"GTIN", "EAN-13", "ean_code", "UPC", "Barcode", "Variant Barcode",
        "GTIN, UPC, EAN, or ISBN", "EAN-Nummer", "Strichcode", "Code-barres", "Código de barras",
        "Codice a barre", "Streepjescode", "Kod kreskowy", "GTIN (13 digits)", "barCode"}},
      {"name",
       {"Product name", "Title", "Item Name", "Bezeichnung", "Artikelbezeichnung", "Libellé",
        "Désignation", "Nombre del producto", "Descripción", "Nome prodotto", "Descrizione",
        "Productnaam", "Omschrijving", "Nome do produto", "Nazwa produktu", "product_name_de"}},
      {"brand", {"Brand", "Vendor", "Marke", "Hersteller", "Marque", "Marca", "Merk", "Producent"}},
      {"category",
       {"Category", "Categories", "Warengruppe", "Catégorie", "Categoría", "Categoria", "Categorie",
        "Kategoria"}},
      {"shop",
       {"shop", "Store ID", "Location", "Filiale", "Magasin", "Tienda", "Negozio", "Winkel", "Loja",
        "Sklep"}},
      {"expiry_date",
       {"expiry_date",
        "Expiration Date",
        "best_before_date",
        "Best before",
        "BBD",
        "MHD",
        "Mindesthaltbarkeitsdatum",
        "Haltbar bis",
        "Ablaufdatum",
        "DLC",
        "DLUO",
        "Date de péremption",
        "Fecha de caducidad",
        "Data di scadenza",
        "THT",
        "Houdbaar tot",
        "Data de validade",
        "Termin ważności",
        "Expiry date (YYYY-MM-DD)",
        "use_by",
        "Lot Expiration Date",
        "Stock Expiry Date"}},
      {"quantity",
       {"quantity",
        "Qty",
        "Stock",
        "Qty on hand",
        "Physical QOH",
        "amount",
        "Variant Inventory Qty",
        "Menge",
        "Bestand",
        "Lagerbestand",
        "Quantité",
        "Cantidad",
        "Giacenza",
        "Aantal",
        "Voorraad",
        "Quantidade",
        "Estoque",
        "Ilość",
        "Stan magazynowy",
        "Quantity (pcs)",
        "Current Quantity Main Street",
        "stock_on_hand"}},
      {"unused",
       {"SKU", "Price", "Lot", "created_at", "Artikelnummer", "Variant SKU", "Low stock [Main]",
        "Stock Alert Enabled Main Street", "Jours d’expiration du téléchargement",
        "Datum, an dem Angebotspreis endet"}},
      {"", {"Colour", "Aisle colour", "Product name length", "xyz", ""}},
  };
  for (const auto& [field, headers] : cases) {
    for (const auto* header : headers) EXPECT_EQ(field_of(header), field) << header;
  }
}

TEST(HeaderNames, of_exports_of_woocommerce_are_known_in_eight_languages) {
  struct Language {
    std::vector<const char*> headers;  // GTIN, name, brand, category, quantity
  };
  const std::vector<Language> languages{
      {{"GTIN, UPC, EAN, or ISBN", "Name", "Brands", "Categories", "Stock"}},
      {{"GTIN, UPC, EAN oder ISBN", "Name", "Marken", "Kategorien", "Bestand"}},
      {{"GTIN, UPC, EAN ou ISBN", "Nom", "Marques", "Catégories", "Stock"}},
      {{"GTIN, UPC, EAN o ISBN", "Nombre", "Marcas", "Categorías", "Inventario"}},
      {{"GTIN, UPC, EAN o ISBN", "Nome", "Marchi", "Categorie", "Giacenza"}},
      {{"GTIN, UPC, EAN of ISBN", "Naam", "Merken", "Categorieën", "Voorraad"}},
      {{"GTIN, UPC, EAN ou ISBN", "Nome", "Marcas", "Categorias", "Estoque"}},
      {{"GTIN, UPC, EAN lub ISBN", "Nazwa", "Marki", "Kategorie", "Stan magazynowy"}}};
  constexpr std::array kFields{"gtin", "name", "brand", "category", "quantity"};
  for (const auto& language : languages) {
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      EXPECT_EQ(field_of(language.headers[i]), kFields[i]) << language.headers[i];
    }
  }
}

TEST(HeaderNames, are_equal_with_typographic_punctuation) {
  EXPECT_EQ(plain_header("Date d’expiration"), plain_header("Date d'expiration"));
  EXPECT_EQ(plain_header("¿Existencias?"), "existencias");
}

TEST(HeaderNames, that_are_unknown_suggest_a_field_by_a_word) {
  EXPECT_EQ(field_suggested_by("Nearest expiry of the lot"), ImportField::expiry_date);
  EXPECT_EQ(field_suggested_by("MHD Ware"), ImportField::expiry_date);
  EXPECT_EQ(field_suggested_by("Qty2"), ImportField::quantity);
  EXPECT_EQ(field_suggested_by("supplier EAN"), ImportField::gtin);
  EXPECT_EQ(field_suggested_by("Kurzbezeichnung 2"), std::nullopt);
  EXPECT_EQ(field_suggested_by("Bezeichnung 2"), ImportField::name);
  EXPECT_EQ(field_suggested_by("Oceans"), std::nullopt) << "not `ean`";
  EXPECT_EQ(field_suggested_by("Update"), std::nullopt) << "not `date`";
}

template <class Rows>
std::string refusal_of(const std::string& file, const ImportOptions& options = {}) {
  Rows rows;
  const auto outcome = test::import_text(file, options, rows);
  EXPECT_FALSE(outcome) << file;
  EXPECT_TRUE(rows.batches.empty());
  return outcome ? "" : outcome.error().reason;
}

Use use_of(const ColumnPlan& plan, std::string_view header) {
  return std::ranges::find(plan.columns, header, &ColumnUse::header)->use;
}

TEST(Columns, each_have_a_use_in_the_plan) {
  Products products;
  ASSERT_TRUE(
      test::import_text("GTIN,Title,Item,Colour,Price,Stock,Best before,\n"
                        "96385074,Tea,10045,green,1.20,5,2026-12-24,\n",
                        {.columns = {.ignore = {"colour"}}}, products));
  const auto& plan = products.plan->columns;
  EXPECT_EQ(use_of(plan, "GTIN"), Use::used);
  EXPECT_EQ(use_of(plan, "Title"), Use::used);
  EXPECT_EQ(use_of(plan, "Item"), Use::known_unused) << "the number of the article";
  EXPECT_EQ(use_of(plan, "Colour"), Use::ignored);
  EXPECT_EQ(use_of(plan, "Stock"), Use::known_unused) << "products have no quantity";
  EXPECT_EQ(use_of(plan, "Best before"), Use::known_unused);
  EXPECT_EQ(use_of(plan, "(empty)"), Use::unnamed);
}

TEST(Columns, that_look_like_a_field_and_are_not_used_stop_the_import) {
  const std::string row = "7,96385074,2026-12-24,5,";
  const auto with = [&](const std::string& header, const std::string& value) {
    return "shop,gtin,expiry_date,quantity," + header + "\n" + row + value + "\n";
  };
  // By their header.
  EXPECT_THAT(refusal_of<Readings>(with("Supplier best before", "x")),
              HasSubstr("--map expiry_date=\"Supplier best before\""));
  EXPECT_THAT(refusal_of<Readings>(with("Qty ordered", "x")),
              HasSubstr("--ignore \"Qty ordered\""));
  // By their values.
  EXPECT_THAT(refusal_of<Readings>(with("xyz", "24.12.2026")),
              HasSubstr("--map expiry_date=\"xyz\""));
  EXPECT_THAT(refusal_of<Readings>(with("xyz", "4006381333931")), HasSubstr("--map gtin=\"xyz\""));
  EXPECT_THAT(refusal_of<Readings>("shop,gtin,expiry_date,xyz\n7,96385074,2026-12-24,5\n"),
              HasSubstr("--map quantity=\"xyz\""));
  EXPECT_THAT(refusal_of<Products>("gtin,name,xyz\n96385074,Tea,4006381333931\n"),
              HasSubstr("--ignore \"xyz\""));
  // The answers.
  Readings readings;
  EXPECT_TRUE(test::import_text(with("Qty ordered", "6"), {.columns = {.ignore = {"Qty ordered"}}},
                                readings));
  EXPECT_TRUE(test::import_text(with("Qty ordered", "6"),
                                {.columns = {.map = {{ImportField::quantity, "Qty ordered"}}}},
                                readings));
  EXPECT_EQ(readings.rows().back().quantity, 6);
  // A column that is empty or known holds nothing that is lost.
  EXPECT_TRUE(test::import_text(with("Qty ordered", ""), {}, readings));
  EXPECT_TRUE(test::import_text(with("updated_at", "2026-11-01T10:00:00Z"), {}, readings));
}

TEST(Columns, a_file_of_readings_needs_a_date_or_a_quantity) {
  EXPECT_THAT(refusal_of<Readings>("shop,gtin,colour\n7,96385074,red\n"),
              HasSubstr("neither a column for the expiry date nor one for the quantity"));
}

TEST(Columns, code_is_the_gtin_only_if_nearly_all_values_are) {
  std::string file = "Code;Description\n";
  for (int i = 10; i < 60; ++i) file += "000100" + std::to_string(i) + ";Thing\n";
  const auto refused = refusal_of<Products>(file);
  EXPECT_THAT(refused, HasSubstr("5 of 50"));
  EXPECT_THAT(refused, HasSubstr("--map gtin=\"Code\""));
  Products mapped;
  const auto counts =
      test::import_text(file, {.columns = {.map = {{ImportField::gtin, "Code"}}}}, mapped);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 5U);
  Products good;
  ASSERT_TRUE(test::import_text("Code;Description\n96385074;Tea\n4006381333931;Paper\n", {}, good));
  EXPECT_THAT(good.plan->columns.notes, Contains(HasSubstr("2 of 2")));
}

TEST(Columns, a_description_is_preferred_over_the_number_of_an_item) {
  Products products;
  ASSERT_TRUE(test::import_text(
      "Item,UPC,Description,Brand\n10045,9520991000052,Rye bread 500 g,Mill\n", {}, products));
  EXPECT_EQ(products.rows().at(0).name, "Rye bread 500 g");
  ASSERT_TRUE(test::import_text("Item,UPC\nRye bread,9520991000052\n", {}, products));
  EXPECT_EQ(products.rows().back().name, "Rye bread");
}

TEST(Columns, that_say_whether_there_is_any_stock_are_no_quantity) {
  for (const auto* header :
       {"In stock?", "In stock", "En stock ?", "Op voorraad?", "¿Existencias?"}) {
    Readings readings;
    ASSERT_TRUE(test::import_text(
        "shop,gtin,quantity," + std::string{header} + "\n7,96385074,14,1\n7,4006381333931,5,0\n",
        {}, readings))
        << header;
    EXPECT_EQ(use_of(readings.plan->columns, header), Use::known_unused) << header;
    EXPECT_EQ(readings.rows().at(0).quantity, 14);
  }
  // Numbers above 1 are quantities.
  Readings readings;
  ASSERT_TRUE(test::import_text("shop,gtin,In stock [Main]\n7,96385074,14\n", {}, readings));
  EXPECT_EQ(readings.rows().at(0).quantity, 14);
  EXPECT_THAT(refusal_of<Readings>("shop,gtin,stock,In stock\n7,96385074,14,12\n"),
              HasSubstr("differ in line 2"));
  // It may be all there is.
  EXPECT_THAT(refusal_of<Readings>("shop,gtin,expiry_date,In stock\n7,96385074,2026-12-24,1\n"),
              HasSubstr("--map quantity=\"In stock\""));
}

TEST(Columns, with_units_are_no_quantity) {
  Readings readings;
  ASSERT_TRUE(test::import_text("shop,gtin,qty,Units\n7,96385074,14,pcs\n7,4006381333931,5,pcs\n",
                                {}, readings));
  EXPECT_EQ(use_of(readings.plan->columns, "Units"), Use::known_unused);
  ASSERT_TRUE(test::import_text("shop,gtin,Units\n7,96385074,14\n", {}, readings));
  EXPECT_EQ(readings.rows().back().quantity, 14);
}

TEST(Columns, with_ids_of_another_system_are_not_taken_for_names) {
  Readings readings;
  ASSERT_TRUE(test::import_text("shop,barcode,part,part_detail.name,qty\n7,96385074,3,Rye,5\n", {},
                                readings));
  EXPECT_EQ(readings.rows().at(0).name, "Rye");
  ASSERT_TRUE(test::import_text("shop,barcode,part,qty\n7,96385074,3,5\n", {}, readings));
  EXPECT_EQ(readings.rows().back().name, std::nullopt);
  EXPECT_THAT(refusal_of<Products>("barcode,part\n96385074,3\n"),
              HasSubstr("no column for the product's name"));
  Products products;
  ASSERT_TRUE(
      test::import_text("gtin,name,Category,Category name\n96385074,Rye,3,Bread\n", {}, products));
  EXPECT_EQ(products.rows().at(0).category, "Bread");
  ASSERT_TRUE(test::import_text("gtin,name,Category\n96385074,Rye,3\n", {}, products));
  EXPECT_EQ(products.rows().back().category, "3") << "it may be the name";
}

TEST(Columns, for_places_are_the_shop_if_they_have_names) {
  ImportOptions named;
  named.rows.shops.emplace("Main Street", ShopId{7});
  Readings readings;
  ASSERT_TRUE(test::import_text(
      "location,location_detail.name,gtin,qty\n2,Main Street,96385074,5\n", named, readings));
  EXPECT_EQ(readings.rows().at(0).shop, ShopId{7});
  ASSERT_TRUE(test::import_text("shop,location,gtin,qty\n9,A1,96385074,5\n", named, readings));
  EXPECT_EQ(readings.rows().back().shop, ShopId{9}) << "a place in the shop";
  const std::string numbers = "location_id,gtin,qty\n2,96385074,5\n";
  EXPECT_THAT(refusal_of<Readings>(numbers), HasSubstr("--map shop=\"location_id\""));
  ASSERT_TRUE(test::import_text(numbers, {.columns = {.map = {{ImportField::shop, "location_id"}}}},
                                readings));
  EXPECT_EQ(readings.rows().back().shop, ShopId{2});
}

TEST(Columns, of_numbers_are_one_question_about_the_quantity) {
  const std::string file = "shop,gtin,expiry_date,xyz,abc?,uvw\n7,96385074,2026-12-24,5,1,9\n";
  EXPECT_EQ(
      refusal_of<Readings>(file),
      "The columns \"xyz\", \"uvw\" look like quantities and are not used. To use one of them: "
      "--map quantity=\"Column\"; to import without a quantity: --ignore \"xyz\" --ignore "
      "\"uvw\".");
}

TEST(Columns, without_a_header_are_explained) {
  EXPECT_THAT(refusal_of<Products>("4006381333931;Tea\n96385074;Milk\n"),
              testing::StartsWith("The file has a GTIN where the names of its columns should be."));
  for (const auto* file : {"gtin:name\n96385074:Tea\n", "\"gtin,name\"\n\"96385074,Tea\"\n"}) {
    EXPECT_THAT(refusal_of<Products>(file),
                testing::AllOf(HasSubstr("one column only"), HasSubstr("sep=^"),
                               testing::Not(HasSubstr("--map"))));
  }
}

TEST(Columns, two_for_one_field_have_to_agree) {
  Products products;
  EXPECT_THAT(refusal_of<Products>("gtin,ean,name\n96385074,4006381333931,Tea\n"),
              HasSubstr("--map gtin=\"gtin\" or --map gtin=\"ean\""));
  EXPECT_THAT(refusal_of<Products>("gtin,name,gtin\n96385074,Tea,4006381333931\n"),
              HasSubstr("--map gtin=\"#1\" or --map gtin=\"#3\""));
  ASSERT_TRUE(test::import_text(
      "gtin,ean,name\n96385074,00000096385074,Tea\n,4006381333931,Paper\n", {}, products));
  EXPECT_EQ(products.rows().size(), 2U);
  // After the first rows, the row is refused.
  std::string file = "shop,gtin,quantity,stock\n";
  for (int i = 0; i < 600; ++i) file += std::to_string(i + 1) + ",96385074,1,1\n";
  Readings readings;
  ASSERT_TRUE(test::import_text(file + "700,96385074,1,2\n", {}, readings));
  ASSERT_EQ(readings.refused.size(), 1U);
  EXPECT_EQ(readings.refused[0].field, "quantity");
  EXPECT_THAT(readings.refused[0].reason, HasSubstr("\"quantity\", \"stock\" differ"));
}

TEST(Columns, without_a_name_refuse_the_row_that_has_a_value_there) {
  Products products;
  const auto counts = test::import_text(
      "gtin,name,,\n9520990000503,Ham, smoked,\n9520990000510,Cheese,,\n9520990000527,Milk,,,,x\n",
      {}, products);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->accepted, 1U);
  ASSERT_EQ(products.refused.size(), 2U);
  EXPECT_THAT(products.refused[0].reason, HasSubstr("--ignore \"#3\""));
  EXPECT_THAT(products.refused[1].reason, HasSubstr("more fields"));
  // All rows have one: an index that a program wrote.
  const std::string indexed = ",gtin,name\n0,96385074,Tea\n1,4006381333931,Paper\n";
  EXPECT_THAT(refusal_of<Products>(indexed), HasSubstr("Column 1 has values and no name"));
  EXPECT_TRUE(test::import_text(indexed, {.columns = {.ignore = {"#1"}}}, products));
}

TEST(Columns, options_that_name_no_column_or_field_stop_the_import) {
  const std::string file = "gtin,name\n96385074,Tea\n";
  EXPECT_THAT(refusal_of<Products>(file, {.columns = {.ignore = {"Colour"}}}),
              HasSubstr("\"Colour\", which the file does not have. Its columns are: gtin, name."));
  EXPECT_THAT(refusal_of<Products>(file, {.columns = {.map = {{ImportField::brand, "Brand"}}}}),
              HasSubstr("does not have"));
  EXPECT_THAT(refusal_of<Products>(file, {.columns = {.map = {{ImportField::quantity, "name"}}}}),
              HasSubstr("the fields are: gtin, name, brand, category"));
  EXPECT_THAT(
      refusal_of<Products>(
          file, {.columns = {.map = {{ImportField::brand, "name"}, {ImportField::name, "name"}}}}),
      HasSubstr("Two --map"));
}

TEST(Columns, dates_of_which_none_can_be_read_are_a_question) {
  const std::string file = "shop,gtin,MHD\n7,96385074,24.12.2026\n7,4006381333931,01.02.2027\n";
  EXPECT_THAT(refusal_of<Readings>(file), HasSubstr("--date-format DD.MM.YYYY"));
  Readings readings;
  ASSERT_TRUE(test::import_text(file,
                                {.columns = {.date_format_given = true},
                                 .rows = {.date_format = DateFormat::parse("DD.MM.YYYY")}},
                                readings));
  EXPECT_EQ(to_string(readings.rows().at(0).date->date), "2026-12-24");
}

TEST(Columns, dates_with_day_and_month_in_the_other_order_are_a_question) {
  const auto with = [](const char* format) {
    return ImportOptions{.columns = {.date_format_given = true},
                         .rows = {.date_format = DateFormat::parse(format)}};
  };
  const std::string file =
      "shop,gtin,expiry\n7,96385074,12/24/2026\n7,4006381333931,03/04/2027\n7,9520000000004,\n"
      "7,9520000000011,2026-12-24\n";
  EXPECT_EQ(refusal_of<Readings>(file, with("D/M/YYYY")),
            "Of the first 2 dates 1 do not have the format DD/MM/YYYY, and all have the format "
            "MM/DD/YYYY. If that is right: --date-format MM/DD/YYYY; otherwise correct these dates "
            "in the file.");
  Readings readings;
  ASSERT_TRUE(test::import_text(file, with("MM/DD/YYYY"), readings));
  EXPECT_EQ(to_string(readings.rows().at(1).date->date), "2027-03-04");
  // A date that is in neither format is refused alone.
  ASSERT_TRUE(test::import_text(file + "7,9520000000028,31/02/2027\n7,9520000000035,24/12/2026\n",
                                with("DD/MM/YYYY"), readings));
  EXPECT_EQ(readings.refused.size(), 2U);
}

TEST(Columns, the_shop_can_be_given_by_name_or_for_all_rows) {
  Readings readings;
  ImportOptions named;
  named.rows.shops.emplace("Main Street", ShopId{7});
  ASSERT_TRUE(test::import_text("Store,gtin,qty\nMain Street,96385074,5\nSide,4006381333931,1\n",
                                named, readings));
  EXPECT_EQ(readings.rows().at(0).shop, ShopId{7});
  EXPECT_EQ(readings.refused.at(0).field, "shop");
  ASSERT_TRUE(test::import_text("gtin,qty\n96385074,5\n",
                                {.columns = {.shop_given = true}, .rows = {.shop = ShopId{9}}},
                                readings));
  EXPECT_EQ(readings.rows().back().shop, ShopId{9});
}

}  // namespace
}  // namespace codasync::storage
