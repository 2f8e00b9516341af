#include "tests/service/import_fixture.hpp"

// Import as a conversation: what is printed, what a dry run shows, and the exit status.

namespace codasync::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ImportCommand : public ImportTest {
 protected:
  /// Returns: everything of the database, also sequences.
  std::string everything() {
    return dump() + database().run(
                        "select string_agg(sequencename || ' ' ||"
                        " coalesce(last_value::text, ''), ',' order by sequencename)"
                        " from pg_sequences");
  }

  std::string products_file(const std::string& rows) {
    return write("products.csv", "gtin,name,brand\n" + rows);
  }
};

TEST_F(ImportCommand, prints_first_what_each_column_is_for) {
  const auto ran = import("products", write("x.csv",
                                            "List of today\nBarcode;Bezeichnung;Farbe;Preis\n"
                                            "9520000000004;Tea;green;1,20\n"));
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("column names in line 2 (line 1 before it: not used)"));
  EXPECT_THAT(ran.output, HasSubstr("gtin         from \"Barcode\""));
  EXPECT_THAT(ran.output, HasSubstr("name         from \"Bezeichnung\""));
  EXPECT_THAT(ran.output, HasSubstr("not used: \"Farbe\""));
  EXPECT_LT(ran.output.find("Bezeichnung"), ran.output.find("1 products created"));
}

TEST_F(ImportCommand, status_says_whether_all_some_or_no_rows_were_taken) {
  EXPECT_EQ(import("products", products_file("9520000000004,Tea,\n")).status, 0);
  EXPECT_EQ(import("products", products_file("9520000000004,Tea,\n1,x,\n")).status, 3);
  EXPECT_EQ(import("products", products_file("1,x,\n2,y,\n")).status, 1);
  EXPECT_EQ(import("products", products_file("")).status, 1) << "a header only";
  EXPECT_EQ(import("products", write("empty.csv", "")).status, 1);
  EXPECT_EQ(import("products", scratch() + "/missing.csv").status, 2);
  EXPECT_EQ(import("products", scratch()).status, 2) << "a folder";
  EXPECT_EQ(import("products", products_file("9520000000004,Tea,\n"), {"--map", "colour=x"}).status,
            2);
  // Readings that the ledger refuses count too.
  const std::string header{"shop,gtin,name,quantity\n"};
  EXPECT_EQ(import("stock-readings", write("r.csv", header + "999,9520000000004,Tea,1\n")).status,
            1);
  EXPECT_EQ(import("stock-readings", write("r.csv", header + "999,9520000000004,Tea,1\n" + shop() +
                                                        ",9520000000004,Tea,1\n"))
                .status,
            3);
}

TEST_F(ImportCommand, several_files_are_one_import) {
  const auto one = write("one.csv", "gtin,name\n9520000000004,Tea\n");
  const auto two = write("two.csv", "gtin,name\n9520000000011,Jam\n");
  const auto both = import("products", one, {two});
  EXPECT_EQ(both.status, 0) << both.output;
  EXPECT_THAT(both.output, HasSubstr(two + ": UTF-8"));
  EXPECT_EQ(import("products", one, {write("empty.csv", "")}).status, 3);
  const auto missing = import("products", write("three.csv", "gtin,name\n9520000000028,Rye\n"),
                              {scratch() + "/missing.csv"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_EQ(database().run("select count(*) from products"), "2") << "nothing of three.csv";
  EXPECT_EQ(database().run("select count(distinct actor) from audit where subject = 'product'"),
            "1");
}

TEST_F(ImportCommand, reads_pipes_and_gzip) {
  const auto path = write("one.csv", "gtin,name\n9520000000004,Tea\n");
  const std::vector<std::string> sources{"-", "/dev/stdin", "<(cat " + path + ")"};
  for (const auto& from : sources) {
    const auto ran = finish(start_program(
        {"bash", "-c", "cat " + path + " | " + CODASYNC_PROGRAM + " import products " + from}));
    EXPECT_EQ(ran.status, 0) << ran.output;
  }
  const auto packed = scratch() + "/one.csv.gz";
  const auto text = write("two.csv", "gtin,name\n9520000000011,Jam\n");
  ASSERT_EQ(finish(start_program({"bash", "-c", "gzip -c " + text + " > " + packed})).status, 0);
  const auto ran = import("products", packed);
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("gzip"));
  EXPECT_EQ(database().run("select count(*) from products"), "2");
}

TEST_F(ImportCommand, a_dry_run_of_products_shows_old_and_new_and_changes_nothing) {
  ASSERT_EQ(
      import("products", products_file("9520000000004,Tea,Leaf\n9520000000011,Jam,\n")).status, 0);
  const auto path =
      products_file("9520000000004,Green tea,\n9520000000011,Jam,\n9520000000028,Rye,Mill\n1,x,\n");
  const auto before = everything();
  const auto dry = import("products", path, {"--dry-run"});
  EXPECT_EQ(dry.status, 3);
  EXPECT_THAT(dry.output, HasSubstr("product 9520000000004: name \"Tea\" → \"Green tea\""));
  EXPECT_THAT(dry.output, HasSubstr("product 9520000000028: new, name \"Rye\", brand \"Mill\""));
  EXPECT_THAT(dry.output, HasSubstr("dry run, nothing was written: 1 products created, 1 changed, 1"
                                    " unchanged, 1 refused"));
  EXPECT_THAT(dry.output, Not(HasSubstr("undo")));
  EXPECT_EQ(everything(), before);
  const auto real = import("products", path);
  EXPECT_THAT(real.output, HasSubstr("1 products created, 1 changed, 1 unchanged"));
}

TEST_F(ImportCommand, empty_cells_clear_brand_and_category_on_request) {
  ASSERT_EQ(import("products", write("old.csv",
                                     "gtin,name,brand,category\n"
                                     "9520000000004,Tea,Leaf,Drinks\n"))
                .status,
            0);
  const auto path = write("new.csv", "gtin,name,brand\n9520000000004,Tea,\n9520000000011,Jam,\n");
  const auto stored = [&] {
    return database().run(
        "select string_agg(concat_ws('|', name, coalesce(brand, '-'), coalesce(category, '-')),"
        " ',' order by gtin) from products");
  };
  EXPECT_THAT(import("products", path).output, HasSubstr("1 products created, 0 changed"));
  EXPECT_EQ(stored(), "Tea|Leaf|Drinks,Jam|-|-");
  EXPECT_THAT(import("products", path, {"--clear-empty", "--dry-run"}).output,
              HasSubstr("product 9520000000004: brand \"Leaf\" → none"));
  const auto cleared = import("products", path, {"--clear-empty"});
  EXPECT_THAT(cleared.output, HasSubstr("0 products created, 1 changed, 1 unchanged"));
  EXPECT_EQ(stored(), "Tea|-|Drinks,Jam|-|-") << "the file has no column for the category";
  EXPECT_THAT(import("products", path, {"--clear-empty"}).output, HasSubstr("2 unchanged"));
  const auto id = cleared.output.substr(cleared.output.rfind("undo ") + 5, 36);
  EXPECT_EQ(run({"import", "undo", id}).status, 0);
  EXPECT_EQ(stored(), "Tea|Leaf|Drinks,Jam|-|-");
}

TEST_F(ImportCommand, a_dry_run_of_readings_decides_like_the_import_and_changes_nothing) {
  const auto row = [&](const std::string& rest) { return shop() + "," + rest + "\n"; };
  const std::string header{"shop,gtin,name,expiry_date,quantity,kind,observed_at\n"};
  ASSERT_EQ(
      import("stock-readings",
             write("old.csv", header + row("9520000000004,Tea,2026-12-24,5,,2026-11-01T08:00:00Z") +
                                  row("9520000000011,Jam,2026-12-24,5,,2026-11-01T08:00:00Z")))
          .status,
      0);
  const auto path =
      write("new.csv",
            header + row("9520000000004,Tea,2026-12-20,7,,2026-11-02T08:00:00Z") +
                row("9520000000004,Tea,2026-12-30,9,,2026-10-01T08:00:00Z") +
                row("9520000000011,Jam,2026-12-24,5,,2026-11-01T08:00:00Z") +
                row("9520000000028,Rye,2026-12-24,,check,") + row("9520000000035,,2026-12-24,1,,") +
                "999,9520000000042,Oats,2026-12-24,1,,\n" + row("9520000000011,Plum jam,,,,"));
  const auto before = everything();
  const auto dry = import("stock-readings", path, {"--dry-run"});
  EXPECT_EQ(dry.status, 3) << dry.output;
  EXPECT_THAT(dry.output, HasSubstr("date 2026-12-24 → 2026-12-20, quantity 5 → 7"));
  EXPECT_THAT(dry.output, HasSubstr("new, date 2026-12-24, quantity not counted"));
  EXPECT_THAT(dry.output, HasSubstr("new, name \"Rye\""));
  EXPECT_THAT(dry.output, Not(HasSubstr("Plum jam"))) << "a reading renames no product";
  EXPECT_THAT(dry.output, Not(HasSubstr("Oats"))) << "a refused row creates no product";
  EXPECT_EQ(everything(), before);
  const auto real = import("stock-readings", path);
  EXPECT_EQ(real.refused, dry.refused);
  const auto counts = [](const std::string& output) {
    const auto end = output.find(" failed, ");
    const auto begin = output.rfind(": ", end);
    return output.substr(begin, end - begin);
  };
  EXPECT_EQ(counts(real.output), counts(dry.output));
}

TEST_F(ImportCommand, stops_when_too_many_rows_are_refused) {
  std::string rows;
  for (int i = 0; i < 50; ++i) rows += "1,x,\n";
  const auto path = products_file("9520000000004,Tea,\n" + rows);
  const auto stopped = import("products", path, {"--max-refused", "10"});
  EXPECT_EQ(stopped.status, 1) << stopped.output;
  EXPECT_THAT(stopped.output, HasSubstr("--max-refused"));
  EXPECT_EQ(stopped.refused.size(), 12U) << "the header and eleven rows";
  EXPECT_EQ(import("products", path, {"--max-refused", "90%"}).status, 1);
  EXPECT_EQ(database().run("select count(*) from products"), "0");
  EXPECT_EQ(import("products", path, {"--max-refused", "50"}).status, 3);
  EXPECT_EQ(import("products", path, {"--max-refused", "99%"}).status, 3);
  EXPECT_EQ(import("products", path, {"--max-refused", "many"}).status, 2);
}

TEST_F(ImportCommand, takes_the_shop_by_name_or_for_all_rows) {
  EXPECT_EQ(
      import("stock-readings", write("a.csv", "store,gtin,name,qty\nNorth,9520000000004,Tea,4\n"))
          .status,
      0);
  EXPECT_EQ(import("stock-readings", write("b.csv", "gtin,name,qty\n9520000000004,Tea,6\n"),
                   {"--shop", shop()})
                .status,
            0);
  EXPECT_EQ(get("/api/v1/shops/" + shop() + "/stock/9520000000004").number("quantity"), 6);
}

TEST_F(ImportCommand, adds_up_lots_on_request) {
  const auto path = write("lots.csv", "shop,gtin,name,lot,expiry_date,quantity\n" + shop() +
                                          ",9520000000004,Milk,A,2026-12-24,5\n" + shop() +
                                          ",9520000000004,Milk,B,2026-12-20,3\n" + shop() +
                                          ",9520000000004,Milk,C,2027-01-20,9\n");
  const auto asked = import("stock-readings", path);
  EXPECT_EQ(asked.status, 1);
  EXPECT_THAT(asked.output, HasSubstr("--lots sum"));
  for (int times = 0; times < 2; ++times) {
    const auto added = import("stock-readings", path, {"--lots", "sum"});
    EXPECT_EQ(added.status, 0) << added.output;
    EXPECT_THAT(added.output, HasSubstr("2 further lots"));
    const auto reading = get("/api/v1/shops/" + shop() + "/stock/9520000000004");
    EXPECT_EQ(reading.number("quantity"), 17);
    EXPECT_EQ(reading.text("expiry_date"), "2026-12-20");
  }
}

}  // namespace
}  // namespace codasync::test
