#include <fstream>

#include "tests/service/service.hpp"

// `codasync shop|product|reading …`: the commands that use the API of a running service.

namespace codasync::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class RemoteCommands : public ServiceTest {
 protected:
  RemoteCommands() { do_not_compare_reads(); }

  CommandResult remote(const std::vector<std::string>& words, bool with_token = true) {
    auto token = admin().begin()->second;
    token.erase(0, std::string{"Bearer "}.size());
    return run(words, {"CODASYNC_URL=http://127.0.0.1:" + std::to_string(port_of(0)) + "/",
                       "CODASYNC_TOKEN=" + (with_token ? token : "")});
  }
};

TEST_F(RemoteCommands, create_change_list_show_and_delete) {
  const auto made = remote({"product", "create", "--gtin", "4006381333931", "--name", "Green tea",
                            "--brand", "Leaf & Co"});
  EXPECT_EQ(made.status, 0) << made.output;
  EXPECT_THAT(made.output, HasSubstr("name: Green tea\n"));
  EXPECT_EQ(remote({"product", "change", "4006381333931", "--category", "Tea"}).status, 0);
  EXPECT_THAT(remote({"product", "show", "04006381333931"}).output,
              AllOf(HasSubstr("brand: Leaf & Co\n"), HasSubstr("category: Tea\n")));
  EXPECT_EQ(remote({"product", "list", "--search", "gréen"}).output,
            "GTIN\tname\tbrand\tcategory\n4006381333931\tGreen tea\tLeaf & Co\tTea\n");
  EXPECT_EQ(remote({"product", "list", "--brand", "Leaf & Co", "--json"}).output,
            "[\n" + get("/api/v1/products/4006381333931").body + "\n]\n");
  EXPECT_EQ(remote({"product", "list", "--brand", "None", "--json"}).output, "[]\n");
  EXPECT_THAT(remote({"product", "change", "4006381333931", "--brand", ""}).output,
              AllOf(HasSubstr("brand: -\n"), HasSubstr("category: Tea\n")));
  EXPECT_EQ(remote({"product", "delete", "4006381333931"}).status, 0);
  const auto gone = remote({"product", "show", "4006381333931"});
  EXPECT_EQ(gone.status, 1);
  EXPECT_THAT(gone.output, StartsWith("codasync: "));
}

TEST_F(RemoteCommands, record_adjust_and_remove_a_reading) {
  const auto recorded =
      remote({"reading", "record", "--shop", shop(), "--gtin", "4006381333931", "--name", "Tea",
              "--date", "2026-12-24", "--date-kind", "use_by", "--quantity", "7", "--json"});
  EXPECT_EQ(recorded.status, 0) << recorded.output;
  EXPECT_THAT(recorded.output, HasSubstr(R"("quantity":7)"));
  const auto id = database().run("select id from stock_readings");
  EXPECT_THAT(remote({"reading", "adjust", id, "--delta", "-2", "--reason", "sold"}).output,
              AllOf(HasSubstr("quantity: 5\n"), HasSubstr("outcome: applied\n")));
  EXPECT_THAT(remote({"reading", "history", id}).output, HasSubstr("\tadjust\t-\t-\t-2\tadmin\t"));
  EXPECT_THAT(
      remote({"reading", "list", "--shop", shop(), "--expires-before", "2027-01-01"}).output,
      HasSubstr("\t4006381333931\tTea\t2026-12-24\tuse_by\t5\ttrue\t"));
  EXPECT_THAT(remote({"shop", "work-list", shop(), "--days", "365"}).output,
              HasSubstr("due\t" + id));
  EXPECT_EQ(remote({"reading", "remove", id, "--reason", "recall"}).status, 0);
  EXPECT_EQ(remote({"reading", "list"}).output.find("4006381333931"), std::string::npos);
}

TEST_F(RemoteCommands, read_all_pages_of_a_list) {
  database().run(
      "insert into shops (name) select 'Shop ' || lpad(n::text, 4, '0') from generate_series(1, "
      "2500) n");
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines(remote({"shop", "list", "--all"}).output), 1 + 2501);
  const auto some = remote({"shop", "list", "--limit", "1500"});
  EXPECT_EQ(lines(some.output), 1 + 1500 + 1);
  EXPECT_THAT(some.output, HasSubstr("There are more rows: --limit N or --all shows them.\n"));
  EXPECT_EQ(lines(remote({"shop", "list", "--limit", "2501"}).output), 1 + 2501);
}

TEST_F(RemoteCommands, accept_an_address_with_the_base_path_of_the_api) {
  const auto address = "CODASYNC_URL=http://127.0.0.1:" + std::to_string(port_of(0)) + "/api/v1/";
  const auto shops = run({"shop", "list"}, {address, "CODASYNC_TOKEN="});
  EXPECT_EQ(shops.status, 0) << shops.output;
}

TEST_F(RemoteCommands, list_the_imports_with_their_ids) {
  EXPECT_EQ(remote({"import", "list", "--json"}).output, "[]\n");
  std::ofstream{scratch() + "/one.csv"} << "gtin,name\n9520000000004,Tea\n";
  const auto imported = run({"import", "products", scratch() + "/one.csv"});
  const auto id = imported.output.substr(imported.output.rfind("undo ") + 5, 36);
  EXPECT_THAT(remote({"import", "list"}).output,
              AllOf(HasSubstr(id + "\tproducts\t"), HasSubstr("\tdone\t1\t0\t1\t0\t-\n")));
  EXPECT_EQ(remote({"import", "list"}, false).status, 1) << "admins only";
}

TEST_F(RemoteCommands, explain_a_refusal_in_the_words_of_the_service) {
  const auto unknown = remote({"reading", "show", "999999"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.output, StartsWith("codasync: "));
  const auto invalid = remote({"product", "create", "--gtin", "4006381333930", "--name", "Tea"});
  EXPECT_EQ(invalid.status, 1);
  EXPECT_THAT(invalid.output, HasSubstr("\n  GTIN: "));
  const auto no_token = remote({"shop", "create", "--name", "South"}, false);
  EXPECT_EQ(no_token.status, 1);
  EXPECT_THAT(no_token.output,
              HasSubstr("Set CODASYNC_TOKEN to a token of `codasync token create`."));
}

TEST_F(RemoteCommands, list_tokens_and_slots_as_json) {
  EXPECT_THAT(run({"token", "list", "--json"}).output,
              AllOf(StartsWith("[{"), HasSubstr(R"("name":"staff")"), Not(HasSubstr("coda_"))));
  EXPECT_THAT(run({"cache", "status", "--json"}).output,
              AllOf(StartsWith("{\"fills\":true"), HasSubstr(R"("responds":true)")));
}

}  // namespace
}  // namespace codasync::test
