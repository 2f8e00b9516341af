#include <fstream>
#include <sstream>

#include "tests/service/service.hpp"
#include "tests/transport/client.hpp"

// GET /export/…: the same as `codasync export`, streamed.

namespace codasync::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ExportOverHttp : public ServiceTest {
 protected:
  explicit ExportOverHttp(const std::vector<std::string>& settings = {}) : ServiceTest{settings} {
    do_not_compare_reads();
  }

  /// Events whose export has more bytes than all buffers on the way to a client.
  void many_events() {
    const auto reading = std::to_string(a_reading("4006381333931"));
    database().run(
        "insert into stock_events (reading_id, observed_at, id, received_at, token_id, version, "
        "kind, delta, outcome, actor, reason) select " +
        reading +
        ", timestamptz '2025-01-01Z' + n * interval '1 s', gen_random_uuid(), now(), 0, 1, 'a', "
        "1, 'a', 'till', repeat('why ', 60) from generate_series(1, 80000) n");
  }
  [[nodiscard]] std::string token_header() const {
    return "Authorization: " + staff().begin()->second + "\r\n";
  }

  std::string from_command_line(const std::string& kind) {
    const auto file = scratch() + "/exported";
    EXPECT_EQ(run({"export", kind, "--output", file}).status, 0);
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
  }
};

TEST_F(ExportOverHttp, is_the_same_as_that_of_the_command_line_also_through_nginx) {
  many_events();
  const auto exported = get("/api/v1/export/products");
  EXPECT_EQ(exported.status, 200);
  EXPECT_EQ(exported.header("Content-Type"), "text/csv; charset=utf-8; header=present");
  EXPECT_EQ(exported.header("Content-Disposition"), "attachment; filename=\"products.csv\"");
  EXPECT_EQ(exported.header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(exported.body, from_command_line("products"));
  EXPECT_EQ(get("/api/v1/export/stock-readings/").body, from_command_line("stock-readings"));
  const auto events = from_command_line("events");
  EXPECT_TRUE(get("/api/v1/export/events", staff()).body == events);
  Connection edge{start_edge().port()};
  EXPECT_TRUE(edge.send("GET", "/api/v1/export/events", "", staff()).body == events);
}

TEST_F(ExportOverHttp, has_the_format_that_the_client_accepts_or_names) {
  a_reading("4006381333931");
  const std::string path{"/api/v1/export/stock-readings"};
  const auto json = get(path, {{"Accept", "application/x-ndjson"}});
  EXPECT_EQ(json.header("Content-Type"), "application/x-ndjson");
  EXPECT_THAT(json.body, StartsWith(R"({"shop":)" + shop() + R"(,"GTIN":"4006381333931",)"));
  EXPECT_EQ(get(path + "?format=ndjson").body, json.body);
  Connection edge{start_edge().port()};
  EXPECT_EQ(edge.send("GET", path, "", {{"Accept", "application/x-ndjson"}}).body, json.body);
  EXPECT_EQ(edge.send("GET", path, "", {{"Accept", "text/html"}}).status, 406);
  EXPECT_EQ(get(path + "?format=ndjson").header("Content-Disposition"),
            "attachment; filename=\"stock-readings.ndjson\"");
  EXPECT_THAT(get(path + "?format=csv", {{"Accept", "application/x-ndjson"}}).body,
              StartsWith("shop,GTIN,"));
  const auto refused = get(path, {{"Accept", "text/html"}});
  EXPECT_EQ(refused.status, 406);
  EXPECT_EQ(refused.text("type"), "urn:codasync:problem:not-acceptable");
  EXPECT_EQ(get(path + "?format=xml").status, 400);
  EXPECT_EQ(get("/api/v1/export/products?shop=1").status, 400);
}

TEST_F(ExportOverHttp, has_only_the_shops_of_the_filter) {
  a_reading("4006381333931");
  EXPECT_THAT(get("/api/v1/export/stock-readings?shop=" + shop()).body, HasSubstr("4006381333931"));
  EXPECT_THAT(get("/api/v1/export/stock-readings?shop=999").body, Not(HasSubstr("4006381333931")));
}

TEST_F(ExportOverHttp, of_events_needs_a_token) {
  EXPECT_EQ(get("/api/v1/export/events").status, 401);
  EXPECT_EQ(get("/api/v1/export/events", staff()).status, 200);
}

TEST_F(ExportOverHttp, is_cut_off_when_the_database_fails_so_that_the_client_sees_it) {
  many_events();
  Client client{"127.0.0.1:" + std::to_string(port_of(0))};
  client.send_get("/api/v1/export/events", token_header());
  ASSERT_EQ(client.receive()->status, 200);
  ASSERT_NE(client.receive_chunk(), "");
  postgres_gate().set(TcpGate::Mode::refuse);
  auto chunk = client.receive_chunk();
  while (chunk && !chunk->empty()) chunk = client.receive_chunk();
  postgres_gate().set(TcpGate::Mode::pass);
  EXPECT_EQ(chunk, std::nullopt) << "an empty chunk is the end of a complete body";
  EXPECT_TRUE(
      eventually([&] { return service_log().find("an export was cut off") != std::string::npos; }));
}

class OneExport : public ExportOverHttp {
 protected:
  OneExport()
      : ExportOverHttp{{"CODASYNC_API_EXPORTS_MAX=1", "CODASYNC_SERVER_WRITE_TIMEOUT=60s"}} {}
};

TEST_F(OneExport, is_refused_while_another_one_is_read_slowly_and_delays_no_other_request) {
  many_events();
  {
    Client slow{"127.0.0.1:" + std::to_string(port_of(0))};
    slow.send_get("/api/v1/export/events", token_header());
    ASSERT_EQ(slow.receive()->status, 200);
    const auto waits = get("/api/v1/export/products");
    EXPECT_EQ(waits.status, 503);
    EXPECT_NE(waits.header("Retry-After"), "");
    EXPECT_EQ(get("/api/v1/shops").status, 200);
  }
  EXPECT_TRUE(eventually([&] { return get("/api/v1/export/stock-readings").status == 200; }))
      << "the place is free again when the client has gone";
}

TEST_F(OneExport, is_over_when_the_client_has_the_end_or_the_head_of_the_response) {
  const std::string path{"/api/v1/export/products"};
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(send("HEAD", path, "", {}).status, 200);
    EXPECT_EQ(get(path).status, 200);
  }
}

class PrivateExport : public ExportOverHttp {
 protected:
  PrivateExport() : ExportOverHttp{{"CODASYNC_API_PUBLIC_READS=false"}} {}
};

TEST_F(PrivateExport, needs_a_token_where_reads_are_not_public) {
  EXPECT_EQ(get("/api/v1/export/products").status, 401);
  EXPECT_EQ(get("/api/v1/export/products", staff()).status, 200);
}

}  // namespace
}  // namespace codasync::test
