#include "tests/service/service.hpp"
#include "tests/support/eventually.hpp"

namespace codasync::test {
namespace {

class StatsTest : public ServiceTest {
 protected:
  StatsTest() { do_not_compare_reads(); }

  struct Sum {
    std::int64_t writes{0};
    std::int64_t look_ups{0};
    std::int64_t hits{0};
  };
  /// Returns: the sums over the last minutes, of one response.
  Sum sum(int port) {
    Connection client{port};
    const auto response = client.send("GET", "/api/v1/stats?minutes=10", "", admin());
    EXPECT_EQ(response.status, 200) << response.body;
    Sum total;
    for (const auto& row : response.rows()) {
      const auto number = [&](const char* member) {
        return row.at(member) == "null" ? 0 : std::stoll(row.at(member));
      };
      total.writes += number("writes");
      total.look_ups += number("look_ups");
      total.hits += number("hits");
    }
    return total;
  }
};

TEST_F(StatsTest, count_the_writes_of_all_processes_and_the_hits_of_nginx_in_each) {
  start_second_instance();
  auto& edge = start_edge();
  const auto id = a_reading(some_gtins()[0]);
  Connection other{*this, 1};
  const auto address = "/api/v1/stock-readings/" + std::to_string(id);
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(
        other.send("PATCH", address, R"({"quantity":)" + std::to_string(i) + "}", staff()).status,
        200);
  }
  Connection nginx{edge.port()};
  for (int i = 0; i < 20; ++i) ASSERT_EQ(nginx.send("GET", address, "", {}).status, 200);
  // PostgreSQL counts a write up to some seconds after it; a slow Memcached is not counted at once.
  for (const int port : {port_of(0), port_of(1)}) {
    Sum found;
    EXPECT_TRUE(eventually(
        [&] {
          found = sum(port);
          return found.writes >= 5 && found.hits >= 19;
        },
        std::chrono::seconds{30}))
        << found.writes << " writes, " << found.hits << " hits";
    EXPECT_GE(found.look_ups, found.hits);
  }
}

TEST_F(StatsTest, are_for_admins) {
  EXPECT_EQ(get("/api/v1/stats").status, 401);
  EXPECT_EQ(get("/api/v1/stats", staff()).status, 403);
  EXPECT_EQ(get("/api/v1/stats?minutes=1441", admin()).status, 400);
  EXPECT_TRUE(
      eventually([&] { return get("/api/v1/stats?minutes=1", admin()).rows().size() == 1; }));
}

TEST_F(StatsTest, of_servers_that_do_not_respond_are_null) {
  ASSERT_TRUE(eventually([&] { return get("/api/v1/stats", admin()).rows().size() == 1; }));
  memcached().stop();
  const auto rows = get("/api/v1/stats", admin()).rows();
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows.back().at("hits"), "null");
  EXPECT_EQ(rows.back().at("look_ups"), "null");
}

}  // namespace
}  // namespace codasync::test
