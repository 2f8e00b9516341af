#include <algorithm>
#include <sstream>
#include <thread>

#include "tests/service/import_fixture.hpp"
#include "tests/support/eventually.hpp"
#include "tests/transport/client.hpp"

// POST /import/…: the same as `codasync import`, with its progress as lines.

namespace codasync::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class ImportOverHttp : public ImportTest {
 protected:
  using ImportTest::ImportTest;

  static constexpr const char* kProducts = "/api/v1/import/products";
  static constexpr const char* kReadings = "/api/v1/import/stock-readings";

  HttpResponse upload(const std::string& path, const std::string& file) {
    auto headers = admin();
    headers.emplace("Content-Type", "text/csv");
    return send("POST", path, file, headers);
  }

  /// Returns: the lines of this kind.
  static std::vector<HttpResponse> lines(const HttpResponse& response, const std::string& event) {
    std::vector<HttpResponse> found;
    std::istringstream text{response.body};
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with("{\"event\":\"" + event + "\"")) found.push_back({200, line, {}});
    }
    return found;
  }
  static HttpResponse result(const HttpResponse& response) {
    const auto found = lines(response, "result");
    EXPECT_EQ(found.size(), 1U) << response.status << response.body;
    EXPECT_TRUE(response.body.ends_with(found.empty() ? "" : found.front().body + "\n"))
        << "it is the last line";
    return found.empty() ? HttpResponse{} : found.front();
  }

  /// Returns: a file of products with different GTINs.
  static std::string many_products(std::size_t count) {
    std::string file{"gtin,name\n"};
    for (std::size_t i = 0; i < count; ++i) {
      const auto digits = std::to_string(952'000'000'000 + i);
      int sum = 0;
      for (std::size_t at = 0; at < digits.size(); ++at)
        sum += (digits[at] - '0') * (at % 2 == 0 ? 1 : 3);
      file +=
          digits + std::to_string((10 - sum % 10) % 10) + ",Product " + std::to_string(i) + "\n";
    }
    return file;
  }
};

TEST_F(ImportOverHttp, takes_what_the_command_takes_and_lists_each_refused_row) {
  const auto response =
      upload(kProducts, "EAN,Titel,Xyz\n9520000000004,Tea,x\n9520000000005,Rye,\n96385074,Jam,\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Content-Type"), "application/x-ndjson");
  const auto plan = lines(response, "plan").at(0);
  EXPECT_TRUE(response.body.starts_with(plan.body)) << "it is the first line";
  EXPECT_THAT(plan.body, HasSubstr(R"({"number":1,"name":"EAN","use":"used","field":"gtin",)"
                                   R"("samples":["9520000000004","9520000000005","96385074"]})"));
  EXPECT_THAT(plan.body, HasSubstr(R"({"number":3,"name":"Xyz","use":"not_used","field":null,)"));
  const auto refused = lines(response, "refused");
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_EQ(refused[0].number("line"), 3);
  EXPECT_EQ(refused[0].text("field"), "GTIN");
  const auto end = result(response);
  EXPECT_EQ(end.text("outcome"), "done");
  EXPECT_EQ(end.number("rows"), 3);
  EXPECT_EQ(end.number("created"), 2);
  EXPECT_EQ(end.number("refused"), 1);
  EXPECT_EQ(get("/api/v1/products/96385074").text("name"), "Jam");
}

TEST_F(ImportOverHttp, shows_what_would_change_in_a_dry_run_and_writes_nothing) {
  a_reading("9520000000004");
  const auto before = dump();
  const auto products = upload(std::string{kProducts} + "?dry_run=true",
                               "gtin,name\n9520000000004,Green tea\n96385074,Jam\n");
  EXPECT_THAT(products.body, HasSubstr(R"("GTIN":"9520000000004","before":{"name":"Tea",)"));
  EXPECT_THAT(products.body,
              HasSubstr(R"("GTIN":"96385074","before":null,"after":{"name":"Jam",)"));
  EXPECT_EQ(result(products).number("changes"), 2);
  EXPECT_EQ(result(products).text("import"), "");
  const auto readings =
      upload(std::string{kReadings} + "?dry_run=true&shop=" + shop(),
             "gtin,expiry_date,quantity\n9520000000004,2026-12-20,5\n9520000000011,2026-12-20,5\n");
  EXPECT_THAT(readings.body, HasSubstr(R"("before":{"expiry_date":"2026-12-24",)"));
  EXPECT_THAT(readings.body,
              HasSubstr(R"("after":{"expiry_date":"2026-12-20","date_kind":null,"quantity":5})"));
  EXPECT_EQ(result(readings).number("changed"), 1);
  EXPECT_EQ(result(readings).number("refused"), 1) << "no such product";
  EXPECT_EQ(dump(), before);
  EXPECT_EQ(get("/api/v1/imports", admin()).body, "[]");
}

TEST_F(ImportOverHttp, is_the_same_when_it_is_repeated) {
  const auto file = "shop,gtin,name,quantity,observed_at\n" + shop() +
                    ",9520000000011,Jam,5,2026-11-01T08:00:00Z\n";
  EXPECT_EQ(result(upload(kReadings, file)).number("created"), 1);
  const auto again = result(upload(kReadings, file));
  EXPECT_EQ(again.number("unchanged"), 1);
  EXPECT_EQ(again.number("duplicates"), 1);
  EXPECT_EQ(again.number("voided"), 0);
  const auto history =
      "/api/v1/stock-readings/" +
      std::to_string(get("/api/v1/shops/" + shop() + "/stock/9520000000011").number("id")) +
      "/history";
  ASSERT_EQ(send("DELETE", history + "/" + get(history, admin()).text("id"), "", admin()).status,
            204);
  const auto voided = result(upload(kReadings, file));
  EXPECT_EQ(voided.number("duplicates"), 1) << "what was taken back stays so";
  EXPECT_EQ(voided.number("voided"), 1);
  const auto products = many_products(3);
  EXPECT_EQ(result(upload(kProducts, products)).number("created"), 2);
  EXPECT_EQ(result(upload(kProducts, products)).number("unchanged"), 3);
}

TEST_F(ImportOverHttp, answers_a_question_with_the_parameters_that_answer_it) {
  const std::string file{"code,Produkt,Best before,Menge\n9520000000004,Tea,24.12.2026,5\n"};
  const auto response = upload(kReadings, file);
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.text("type"), "urn:codasync:problem:import-question");
  EXPECT_THAT(response.body, HasSubstr(R"("parameters":["map","shop"])"));
  EXPECT_THAT(response.body, HasSubstr(R"("parameters":["date_format"])"));
  EXPECT_THAT(response.body, HasSubstr("date_format=DD.MM.YYYY"));
  EXPECT_THAT(response.body, HasSubstr(R"("plan":{"kind":"stock-readings","dry_run":false,)"));
  EXPECT_THAT(response.body, Not(HasSubstr("--")));
  const auto answered = upload(kReadings + ("?date_format=DD.MM.YYYY&shop=" + shop()), file);
  EXPECT_EQ(result(answered).number("created"), 1) << answered.body;
  const auto workbook = upload(kProducts, "PK\x03\x04 a workbook");
  EXPECT_EQ(workbook.status, 422);
  EXPECT_THAT(workbook.body, AllOf(HasSubstr(R"("parameters":[])"), HasSubstr(R"("plan":null)")));
}

TEST_F(ImportOverHttp, has_the_options_of_the_command_as_parameters) {
  const std::string file{"nr;text;wann;wieviel\n9520000000004;Tea;12/24/26;1.000\n"};
  const auto response =
      upload(kReadings + ("?shop=" + shop() +
                          "&map=gtin%3Dnr&map=name=text&map=expiry_date=%233&map=quantity=wieviel"
                          "&date_format=MM/DD/YY&decimal=,&encoding=utf-8&lots=sum&max_refused=0"),
             file);
  EXPECT_EQ(result(response).number("created"), 1) << response.body;
  const auto reading = get("/api/v1/shops/" + shop() + "/stock/9520000000004");
  EXPECT_EQ(reading.text("expiry_date"), "2026-12-24");
  EXPECT_EQ(reading.number("quantity"), 1000);
  EXPECT_EQ(result(upload(std::string{kProducts} + "?ignore=menge",
                          "gtin,name,menge\n9520000000011,Rye,5\n"))
                .number("created"),
            1);
  const std::string brands = "gtin,name,brand\n9520000000011,Rye,";
  upload(kProducts, brands + "Mill\n");
  EXPECT_EQ(result(upload(kProducts, brands + "\n")).number("unchanged"), 1);
  EXPECT_EQ(get("/api/v1/products/9520000000011").text("brand"), "Mill");
  EXPECT_EQ(
      result(upload(std::string{kProducts} + "?clear_empty=true", brands + "\n")).number("changed"),
      1);
  EXPECT_THAT(get("/api/v1/products/9520000000011").body, HasSubstr(R"("brand":null)"));
  for (const std::string bad :
       {"map=tea", "map=tea=x", "encoding=ebcdic", "max_refused=some", "restore_zeros=maybe",
        "shop=1", "dry_run=perhaps", "encoding=utf-8&encoding=utf-8"}) {
    EXPECT_EQ(upload(kProducts + ("?" + bad), many_products(1)).status, 400) << bad;
  }
  for (const std::string bad : {"lots=all", "decimal=x", "date_format=x", "shop=x", "shop=1,2"})
    EXPECT_EQ(upload(kReadings + ("?" + bad), many_products(1)).status, 400) << bad;
}

TEST_F(ImportOverHttp, stops_at_the_limit_of_refused_rows) {
  const auto response =
      upload(std::string{kProducts} + "?max_refused=1", "gtin,name\n1,a\n2,b\n3,c\n");
  const auto end = result(response);
  EXPECT_EQ(end.text("outcome"), "stopped");
  EXPECT_THAT(end.text("reason"), HasSubstr("max_refused allows"));
  EXPECT_EQ(end.number("created"), 0);
}

TEST_F(ImportOverHttp, is_for_admins_and_sends_the_file_itself) {
  const auto file = many_products(1);
  EXPECT_EQ(send("POST", kProducts, file, {}).status, 401);
  EXPECT_EQ(send("POST", kProducts, file, staff()).status, 403);
  EXPECT_EQ(send("POST", kReadings, file, staff()).status, 403);
  EXPECT_EQ(get("/api/v1/imports", staff()).status, 403);
  auto form = admin();
  form.emplace("Content-Type", "multipart/form-data; boundary=x");
  EXPECT_EQ(send("POST", kProducts, file, form).status, 415);
  const auto undo = "/api/v1/imports/" + result(upload(kProducts, file)).text("import") + "/undo";
  for (const auto* header : {"Idempotency-Key", "If-Match", "If-None-Match"}) {
    auto conditional = admin();
    conditional.emplace(header, "*");
    for (const auto& [path, body] : {std::pair<std::string, std::string>{kProducts, file},
                                     std::pair<std::string, std::string>{undo, {}}}) {
      const auto response = send("POST", path, body, conditional);
      EXPECT_EQ(response.status, 400) << path << header;
      EXPECT_THAT(response.body, HasSubstr("\"" + std::string{header} + "\":[")) << path;
    }
  }
  EXPECT_EQ(send("POST", undo, R"({"reason":"wrong file"})", admin()).status, 400);
  EXPECT_EQ(get(kProducts, admin()).status, 405);
  EXPECT_EQ(send("POST", "/api/v1/im%70ort/products/", file, admin()).status, 200)
      << "each spelling of the address takes a file";
}

TEST_F(ImportOverHttp, is_listed_with_its_numbers_and_taken_back) {
  post("/api/v1/products", R"({"GTIN":"9520000000004","name":"Tea"})", admin());
  const auto before = get("/api/v1/products/9520000000004").text("name");
  const auto first =
      result(upload(kProducts, "gtin,name\n9520000000004,Green tea\n96385074,Jam\n"));
  const auto id = first.text("import");
  const auto second = upload(kReadings + ("?shop=" + shop()), "gtin,quantity\n9520000000004,5\n");
  const auto list = get("/api/v1/imports", admin());
  EXPECT_THAT(list.rows(), SizeIs(2));
  EXPECT_THAT(list.body, HasSubstr(R"("kind":"stock-readings")"));
  EXPECT_EQ(get("/api/v1/imports?limit=1", admin()).text("id"), result(second).text("import"));
  EXPECT_EQ(get(get("/api/v1/imports?limit=1", admin()).next_page(), admin()).text("id"), id);
  const auto one = get("/api/v1/imports/" + id, admin());
  EXPECT_EQ(one.text("outcome"), "done");
  EXPECT_EQ(one.number("created"), 1);
  EXPECT_EQ(one.number("changed"), 1);
  EXPECT_EQ(one.text("undone_at"), "");

  const auto undo = send("POST", "/api/v1/imports/" + id + "/undo", "", admin());
  EXPECT_EQ(result(undo).number("products_restored"), 1) << undo.body;
  EXPECT_EQ(result(undo).number("products_removed"), 1);
  EXPECT_EQ(get("/api/v1/products/9520000000004").text("name"), before);
  EXPECT_EQ(get("/api/v1/products/96385074").status, 404);
  EXPECT_NE(get("/api/v1/imports/" + id, admin()).text("undone_at"), "");
  const auto events =
      send("POST", "/api/v1/imports/" + result(second).text("import") + "/undo", "", admin());
  EXPECT_EQ(result(events).number("taken_back"), 1);
  EXPECT_EQ(get("/api/v1/shops/" + shop() + "/stock/9520000000004").status, 404);
  EXPECT_EQ(
      send("POST", "/api/v1/imports/01a22755-a3c3-7428-b835-d2367ce9ef59/undo", "", admin()).status,
      404);
  EXPECT_EQ(get("/api/v1/imports/tea", admin()).status, 404);
}

TEST_F(ImportOverHttp, of_the_command_line_is_listed_too) {
  import("products", write("p.csv", many_products(3)));
  const auto list = get("/api/v1/imports", admin());
  EXPECT_EQ(list.number("token"), 0);
  EXPECT_EQ(list.text("actor"), "command line");
  EXPECT_EQ(list.number("created"), 3);
  EXPECT_EQ(send("POST", "/api/v1/imports/" + list.text("id") + "/undo", "", admin()).status, 200);
  EXPECT_EQ(get("/api/v1/products").body, "[]");
}

TEST_F(ImportOverHttp, of_a_large_file_shows_progress_also_through_nginx) {
  const auto file = many_products(30'000);  // more than the limit of other bodies
  Connection edge{start_edge().port()};
  const auto response = edge.send("POST", kProducts, file, admin());
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(result(response).number("created"), 30'000);
  const auto progress = lines(response, "progress");
  ASSERT_THAT(progress, Not(SizeIs(0)));
  EXPECT_EQ(progress.back().number("bytes_total"), static_cast<std::int64_t>(file.size()));
  EXPECT_LE(progress.front().number("rows"), progress.back().number("rows"));
}

TEST_F(ImportOverHttp, ends_when_the_client_goes_and_says_what_was_done) {
  const auto file = many_products(60'000);
  Client client{"127.0.0.1:" + std::to_string(port_of(0))};
  ASSERT_TRUE(client.send(std::string{"POST "} + kProducts + " HTTP/1.1\r\nHost: x\r\n" +
                          "Authorization: " + admin().begin()->second + "\r\nContent-Length: " +
                          std::to_string(file.size()) + "\r\n\r\n" + file));
  ASSERT_EQ(client.receive(true)->status, 200);
  client.vanish();
  const auto imports = [&] { return get("/api/v1/imports", admin()); };
  ASSERT_TRUE(eventually([&] { return !imports().text("outcome").empty(); }));
  EXPECT_EQ(imports().text("outcome"), "cancelled");
  const auto created = imports().number("created");
  EXPECT_LT(created, 60'000);
  EXPECT_EQ(std::to_string(created), database().run("select count(*) from products"));
  send("POST", "/api/v1/imports/" + imports().text("id") + "/undo", "", admin());
  EXPECT_EQ(database().run("select count(*) from products where removed_at is null"), "0");
}

TEST_F(ImportOverHttp, that_breaks_off_imports_nothing) {
  const auto file = many_products(5'000);
  {
    Client client{"127.0.0.1:" + std::to_string(port_of(0))};
    client.send(std::string{"POST "} + kProducts +
                " HTTP/1.1\r\nHost: x\r\nAuthorization: " + admin().begin()->second +
                "\r\nContent-Length: " + std::to_string(file.size() + 1) + "\r\n\r\n" + file);
    client.vanish();
  }
  EXPECT_EQ(upload(kProducts, many_products(1)).status, 200) << "the place is free again";
  EXPECT_TRUE(eventually([&] { return get("/api/v1/products").rows().size() == 1; }));
}

TEST_F(ImportOverHttp, stops_when_its_token_is_revoked) {
  const auto token = post("/api/v1/tokens", R"({"name":"Office","role":"admin"})", admin());
  const auto file = many_products(100'000);
  Client client{"127.0.0.1:" + std::to_string(port_of(0))};
  ASSERT_TRUE(client.send(std::string{"POST "} + kProducts + " HTTP/1.1\r\nHost: x\r\n" +
                          "Authorization: Bearer " + token.text("token") + "\r\nContent-Length: " +
                          std::to_string(file.size()) + "\r\n\r\n" + file));
  ASSERT_EQ(client.receive(true)->status, 200);
  EXPECT_EQ(del("/api/v1/tokens/" + std::to_string(token.number("id")), admin()).status, 204);
  const auto products = [&] { return std::stol(database().run("select count(*) from products")); };
  const auto written = products();
  EXPECT_THAT(client.receive_rest(), AllOf(HasSubstr(R"("outcome":"stopped")"),
                                           HasSubstr("The token of the import was revoked.")));
  EXPECT_EQ(products(), written) << "nothing is written after the token was revoked";
}

TEST_F(ImportOverHttp, names_of_tokens_cannot_be_those_of_an_import) {
  const std::string name{"x, import 01a22755-a3c3-7428-b835-d2367ce9ef59"};
  for (const std::string& taken : {name, "x, undo of" + name.substr(2)}) {
    EXPECT_EQ(
        post("/api/v1/tokens", R"({"name":")" + taken + R"(","role":"admin"})", admin()).status,
        400);
    EXPECT_EQ(run({"token", "create", "--name", taken, "--role", "admin"}).status, 2);
  }
  EXPECT_EQ(post("/api/v1/tokens", R"({"name":"x, import of tea","role":"staff"})", admin()).status,
            201);
}

class OneImport : public ImportOverHttp {
 protected:
  OneImport()
      : ImportOverHttp{std::vector<std::string>{"CODASYNC_API_IMPORTS_MAX=1",
                                                "CODASYNC_API_IMPORT_BYTES_MAX=100KB"}} {}
};

TEST_F(OneImport, is_refused_while_another_one_is_sent_slowly) {
  {
    Client slow{"127.0.0.1:" + std::to_string(port_of(0))};
    slow.send(std::string{"POST "} + kProducts + " HTTP/1.1\r\nHost: x\r\nAuthorization: " +
              admin().begin()->second + "\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    ASSERT_EQ(slow.receive(true)->status, 100);
    const auto waits = upload(kProducts, many_products(1));
    EXPECT_EQ(waits.status, 503);
    EXPECT_NE(waits.header("Retry-After"), "");
    EXPECT_EQ(get("/api/v1/shops").status, 200);
    slow.vanish();
  }
  EXPECT_TRUE(eventually([&] { return upload(kProducts, many_products(1)).status == 200; }));
  EXPECT_EQ(upload(kProducts, many_products(10'000)).status, 413);
}

}  // namespace
}  // namespace codasync::test
