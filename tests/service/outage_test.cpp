#include <csignal>
#include <thread>

#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

class Outage : public ServiceTest {};

TEST_F(Outage, of_the_database_leaves_cached_reads_and_ends_by_itself) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  get(path);
  ASSERT_EQ(get(path).status, 200);
  postgres_gate().set(TcpGate::Mode::refuse);
  EXPECT_EQ(get(path).status, 200) << "answered from the cache";
  const auto write = patch(path, R"({"quantity":1})", staff());
  EXPECT_EQ(write.status, 503);
  EXPECT_FALSE(write.header("Retry-After").empty());
  EXPECT_EQ(get("/api/v1/stock-readings").status, 503);
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/healthz").status, 200);
  postgres_gate().set(TcpGate::Mode::pass);
  EXPECT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  EXPECT_TRUE(eventually([&] { return patch(path, R"({"quantity":1})", staff()).status == 200; }));
}

TEST_F(Outage, of_a_cache_whose_process_has_ended_leaves_reads_and_soon_writes) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  get(path);
  memcached().stop();
  EXPECT_EQ(get(path).status, 200);
  EXPECT_TRUE(eventually(
      [&] { return patch(path, R"({"expiry_date":"2026-12-01"})", staff()).status == 200; }));
  EXPECT_EQ(get(path).text("expiry_date"), "2026-12-01");
  EXPECT_TRUE(eventually(
      [&] { return metric("codasync_cache_slot_state{slot=\"0\",state=\"down\"}") == 1; }));
  memcached().start();
  EXPECT_TRUE(eventually(
      [&] { return metric("codasync_cache_slot_state{slot=\"0\",state=\"up\"}") == 1; }));
  const auto filled = metric("codasync_cache_reads_total{path=\"filled\"}");
  EXPECT_TRUE(eventually([&] {
    get(path);
    return metric("codasync_cache_reads_total{path=\"filled\"}") > filled;
  })) << "the cache is used again";
  EXPECT_NE(service_log().find("nothing in a cache slot can be read any more"), std::string::npos);
}

TEST_F(Outage, of_a_cache_that_hangs_leaves_reads) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  memcached().freeze();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(path).status, 200);
  const auto refused = patch(path, R"({"expiry_date":"2026-12-01"})", staff());
  EXPECT_EQ(refused.status, 503);
  EXPECT_FALSE(refused.header("Retry-After").empty());
  EXPECT_TRUE(eventually(
      [&] { return metric("codasync_cache_slot_state{slot=\"0\",state=\"waiting\"}") == 1; }));
  EXPECT_EQ(patch(path, R"({"expiry_date":"2026-12-01"})", staff()).status, 503);
  EXPECT_EQ(get(path).text("expiry_date"), "2026-12-24") << "503 means that nothing changed";
  memcached().thaw();
  EXPECT_TRUE(eventually(
      [&] { return patch(path, R"({"expiry_date":"2026-12-01"})", staff()).status == 200; }));
  EXPECT_EQ(get(path).text("expiry_date"), "2026-12-01");
}

TEST_F(Outage, of_the_service_itself_by_sigterm_loses_no_answer) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  patch(path, R"({"quantity":0})", staff());
  std::atomic<int> accepted{0};
  std::atomic<int> lost{0};
  std::atomic<bool> end{false};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&] {
        Connection own{*this};
        while (!end) {
          const auto answer = own.send("POST", path + "/adjust", R"({"delta":1})", staff());
          if (answer.status == 200) {
            ++accepted;
          } else if (answer.status == -1) {
            return;  // nobody listens any more
          } else {
            ++lost;
          }
        }
      });
    }
    ASSERT_TRUE(eventually([&] { return accepted > 200; }));
    service().signal(SIGTERM);
    EXPECT_EQ(service().wait(std::chrono::seconds{20}), 0);
    end = true;
  }
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(database().run("select quantity from stock_readings"), std::to_string(accepted));
}

}  // namespace
}  // namespace codasync::test
