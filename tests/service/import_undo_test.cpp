#include <algorithm>

#include "tests/service/import_fixture.hpp"

// Taking imports back.

namespace codasync::test {
namespace {

using testing::HasSubstr;

class ImportUndo : public ImportTest {
 protected:
  /// Imports, and returns the id that the command printed; empty: none.
  std::string id_of(const std::string& what, const std::string& text) {
    const auto ran = import(what, write("import.csv", text));
    EXPECT_EQ(ran.status, 0) << ran.output;
    static const std::regex kId{"codasync import undo ([0-9a-f-]{36})"};
    std::smatch match;
    return std::regex_search(ran.output, match, kId) ? match[1].str() : "";
  }

  std::string undo(const std::string& id, int status = 0) {
    const auto ran = run({"import", "undo", id});
    EXPECT_EQ(ran.status, status) << ran.output;
    return ran.output;
  }

  /// Returns: what readers see of products and readings.
  std::string shown() {
    return database().run(
        "select coalesce(string_agg(line, '; ' order by line), '') from ("
        " select concat_ws(' ', gtin, name, brand, category) as line from products"
        "  where removed_at is null union all"
        " select concat_ws(' ', 'shop', r.gtin, expiry_date, date_kind, quantity)"
        "  from stock_readings r where present) x");
  }

  static std::string products(const std::string& name, const std::string& brand = "") {
    return "gtin,name,brand\n9520000000004," + name + "," + brand + "\n9520000000011,Other " +
           name + "," + brand + "\n";
  }

  std::string readings(const std::string& date, int quantity) const {
    return "shop,gtin,name,expiry_date,quantity\n" + shop() + ",9520000000004,Tea," + date + "," +
           std::to_string(quantity) + "\n";
  }
};

TEST_F(ImportUndo, restores_products_and_voids_events) {
  id_of("products", products("Tea", "Leaf"));
  id_of("stock-readings", readings("2026-12-24", 5));
  const auto before = shown();
  const auto renamed =
      id_of("products", products("Green tea", "Twig") + "9520000000028,Rye,Mill\n");
  const auto read = id_of("stock-readings", readings("2026-12-20", 9));
  ASSERT_NE(shown(), before);
  EXPECT_THAT(undo(renamed), HasSubstr("2 products restored, 1 removed"));
  EXPECT_THAT(undo(read), HasSubstr("1 events taken back"));
  EXPECT_EQ(shown(), before);
  EXPECT_EQ(get("/api/v1/shops/" + shop() + "/stock/9520000000004").text("name"), "Tea")
      << "the cache has the restored name";
  EXPECT_EQ(run({"check", "--deep"}).output.find("differ "), std::string::npos);
}

TEST_F(ImportUndo, is_the_same_in_every_order) {
  const auto start = shown();
  std::vector<std::string> texts{products("Tea"), products("Green tea", "Leaf"),
                                 products("Black tea")};
  std::vector<int> order{0, 1, 2};
  do {
    std::vector<std::string> ids;
    std::vector<std::string> states{shown()};
    for (const auto& text : texts) {
      ids.push_back(id_of("products", text));
      states.push_back(shown());
    }
    for (const int which : order) undo(ids[static_cast<std::size_t>(which)]);
    EXPECT_EQ(shown(), start);
  } while (std::ranges::next_permutation(order).found);
  std::vector<std::string> dates{"2026-12-24", "2026-12-20", "2027-01-31"};
  order = {0, 1, 2};
  do {
    std::vector<std::string> ids;
    for (const auto& date : dates) ids.push_back(id_of("stock-readings", readings(date, 5)));
    for (const int which : order) undo(ids[static_cast<std::size_t>(which)]);
    EXPECT_EQ(shown(), start);
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(ImportUndo, of_an_earlier_import_leaves_what_the_later_one_says) {
  const auto first = id_of("products", products("Tea"));
  const auto second = id_of("products", products("Green tea"));
  const auto later = shown();
  EXPECT_THAT(undo(first), HasSubstr("2 stay because they were changed since"));
  EXPECT_EQ(shown(), later);
  undo(second);
  EXPECT_EQ(shown(), "") << "both are taken back";
}

TEST_F(ImportUndo, leaves_what_people_changed_since) {
  const auto import_id = id_of("products", products("Tea"));
  ASSERT_EQ(patch("/api/v1/products/9520000000004", R"({"name":"Mine"})", admin()).status, 200);
  post("/api/v1/stock-readings",
       R"({"shop":)" + shop() + R"(,"GTIN":"9520000000011","expiry_date":"2026-12-24"})", staff());
  const auto output = undo(import_id);
  EXPECT_THAT(output,
              HasSubstr("1 stay because they were changed since, 1 stay because a shop has"));
  EXPECT_EQ(shown(), "9520000000004 Mine; 9520000000011 Other Tea; shop 9520000000011 2026-12-24");
}

TEST_F(ImportUndo, can_be_repeated_and_undoes_a_repeated_file_once) {
  const auto text = readings("2026-12-24", 5);
  const auto first = id_of("stock-readings", text);
  const auto second = id_of("stock-readings", text);
  undo(second);
  EXPECT_THAT(shown(), HasSubstr("shop 9520000000004 2026-12-24 5")) << "the first one counts";
  undo(first);
  EXPECT_EQ(shown(), "");
  const auto entries = database().run("select count(*) from audit");
  EXPECT_THAT(undo(first), HasSubstr("0 events taken back, 1 had been taken back before"));
  EXPECT_EQ(database().run("select count(*) from audit"), entries);
  // A row with observed_at is the same event in both imports.
  const auto dated = "shop,gtin,name,quantity,observed_at\n" + shop() +
                     ",9520000000011,Jam,5,2026-11-01T08:00:00Z\n";
  const auto once = id_of("stock-readings", dated);
  EXPECT_EQ(id_of("stock-readings", dated), "") << "the second import changed nothing";
  undo(once);
  EXPECT_EQ(shown(), "");
}

TEST_F(ImportUndo, is_shown_in_the_audit_and_in_histories) {
  const auto import_id = id_of("stock-readings", readings("2026-12-24", 5));
  const auto id = get("/api/v1/shops/" + shop() + "/stock/9520000000004").number("id");
  const auto history = "/api/v1/stock-readings/" + std::to_string(id) + "/history";
  EXPECT_THAT(get(history, staff()).body, HasSubstr("command line, import " + import_id));
  EXPECT_THAT(get("/api/v1/audit?subject=product", admin()).body,
              HasSubstr("command line, import " + import_id));
  undo(import_id);
  EXPECT_THAT(get("/api/v1/audit?subject=reading", admin()).body,
              HasSubstr("undo of import " + import_id));
}

TEST_F(ImportUndo, refuses_what_is_no_import) {
  undo("tea", 2);
  EXPECT_THAT(undo("01a22755-a3c3-7428-b835-d2367ce9ef59", 1), HasSubstr("no import with this id"));
}

}  // namespace
}  // namespace codasync::test
