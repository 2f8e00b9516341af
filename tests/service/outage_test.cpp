#include <csignal>
#include <functional>
#include <map>
#include <thread>

#include "storage/postgres/transaction.hpp"
#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

class Outage : public ServiceTest {};

TEST_F(Outage, of_the_database_does_not_affect_cached_reads_and_needs_no_restart) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  get(path);
  ASSERT_EQ(get(path).status, 200);
  postgres_gate().set(TcpGate::Mode::refuse);
  EXPECT_EQ(get(path).status, 200) << "from the cache";
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

TEST_F(Outage, of_a_memcached_that_was_stopped_affects_writes_only_for_a_short_time) {
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
  EXPECT_NE(service_log().find("no entry of this cache slot can be read any more"),
            std::string::npos);
}

TEST_F(Outage, of_a_memcached_that_hangs_affects_only_writes) {
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

// PostgreSQL would refuse these statements again, so the client gets no Retry-After.
TEST_F(Outage, that_is_permanent_returns_500) {
  const auto reading = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto shop_path = "/api/v1/shops/" + shop();
  struct Case {
    const char* what;
    const char* breaks;
    const char* method;
    std::string path;
    std::string body;
    const char* repair;
  };
  const std::vector<Case> cases{
      {"check violation", "alter table shops add constraint c check (name <> 'South')", "PATCH",
       shop_path, R"({"name":"South"})", "alter table shops drop constraint c"},
      {"check violation", "alter table shops add constraint c check (name <> 'West')", "POST",
       "/api/v1/shops", R"({"name":"West"})", "alter table shops drop constraint c"},
      {"numeric value out of range",
       "create function refuse() returns trigger language plpgsql as $$ begin raise exception "
       "using errcode = '22003'; end $$; create trigger refuse before update on products for each "
       "row execute function refuse()",
       "PATCH", "/api/v1/products/4006381333931", R"({"name":"Coffee"})",
       "drop trigger refuse on products"},
      {"undefined column", "alter table products rename brand to label", "GET",
       "/api/v1/products/4006381333931", "", "alter table products rename label to brand"},
      {"undefined column", "alter table products rename brand to label", "PUT",
       "/api/v1/products/4006381333931", R"({"name":"Tea"})",
       "alter table products rename label to brand"},
      {"undefined table", "alter table shops rename to places", "GET", "/api/v1/shops?limit=7", "",
       "alter table places rename to shops"},
      {"undefined column", "alter table stock_readings rename date_kind to kind", "GET", reading,
       "", "alter table stock_readings rename kind to date_kind"},
  };
  for (const auto& [what, breaks, method, path, body, repair] : cases) {
    memcached().clear();
    database().run(breaks);
    const auto response = send(method, path, body, admin());
    EXPECT_EQ(response.status, 500)
        << what << ": " << method << " " << path << " " << response.body;
    EXPECT_EQ(response.header("Retry-After"), "");
    EXPECT_EQ(response.body.find("shops"), std::string::npos) << response.body;
    database().run(repair);
    EXPECT_EQ(send(method, path, body, admin()).status / 100, 2) << method << " " << path;
  }
}

/// The second instance cannot reach the cache, which is available to others: a wrong path, no free
/// descriptors, a network policy.
class CutOffInstance : public Outage {
 protected:
  CutOffInstance() {
    start_second_instance({"CODASYNC_MEMCACHED_SERVERS=unix:/nowhere/memcached"});
    id_ = std::to_string(a_reading("4006381333931"));
  }

  /// Writes through the healthy instance for `time` while another thread calls `meanwhile` in a
  /// loop. Returns: the number of responses by status.
  std::map<int, int> write_meanwhile(std::chrono::seconds time,
                                     const std::function<void(Connection&)>& meanwhile) {
    std::atomic<bool> end{false};
    std::jthread other{[&] {
      Connection cut_off{*this, 1};
      while (!end) {
        meanwhile(cut_off);
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
      }
    }};
    std::map<int, int> seen;
    const auto deadline = std::chrono::steady_clock::now() + time;
    for (int n = 1; std::chrono::steady_clock::now() < deadline; ++n) {
      ++seen[patch(path(), R"({"quantity":)" + std::to_string(n) + "}", staff()).status];
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    end = true;
    for (const auto& [status, times] : seen) std::cout << status << ": " << times << "\n";
    return seen;
  }
  [[nodiscard]] std::string path() const { return "/api/v1/stock-readings/" + id_; }

 private:
  std::string id_;
};

TEST_F(CutOffInstance, that_reads_does_not_affect_writes_of_others) {
  const auto seen = write_meanwhile(std::chrono::seconds{6}, [&](Connection& cut_off) {
    EXPECT_EQ(cut_off.send("GET", path(), "", {}).status, 200);
  });
  EXPECT_THAT(seen, testing::ElementsAre(testing::Key(200)));
}

TEST_F(CutOffInstance, that_writes_affects_few_writes_of_others) {
  const auto seen = write_meanwhile(std::chrono::seconds{20}, [&](Connection& cut_off) {
    EXPECT_EQ(cut_off.send("POST", path() + "/adjust", R"({"delta":1})", staff()).status, 503);
  });
  const int written = seen.at(200);
  int all = 0;
  for (const auto& [status, times] : seen) all += times;
  EXPECT_GT(written, all * 8 / 10);
}

TEST_F(Outage, of_one_table_does_not_affect_reads_of_others) {
  const auto shop_path = "/api/v1/shops/" + shop();
  std::vector<std::jthread> readers;
  {
    storage::postgres::Connection connection{database().options()};
    const storage::postgres::Transaction obstacle{
        connection, storage::postgres::Transaction::Access::read_write,
        "lock table products in access exclusive mode"};
    // Two are read at once, a quarter of the threads; the others wait for these. The first two come
    // one after the other, because those of one moment share a query.
    for (std::size_t i = 0; i < 4; ++i) {
      readers.emplace_back([this, i] {
        Connection{*this}.send("GET", "/api/v1/products/" + some_gtins()[i], "", {});
      });
      ASSERT_TRUE(eventually([&] {
        return database().run(
                   "select count(*) from pg_stat_activity where datname = current_database() and "
                   "wait_event_type = 'Lock'") == (i == 0 ? "1" : "2");
      }));
    }
    const auto filled = metric("codasync_cache_reads_total{path=\"filled\"}");
    const auto sent = std::chrono::steady_clock::now();
    EXPECT_EQ(get(shop_path).status, 200);
    EXPECT_LT(std::chrono::steady_clock::now() - sent, std::chrono::milliseconds{500});
    EXPECT_EQ(metric("codasync_cache_reads_total{path=\"filled\"}"), filled + 1);
  }
}

TEST_F(Outage, of_the_service_by_sigterm_loses_no_response) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  patch(path, R"({"quantity":0})", staff());
  std::atomic<int> accepted{0};
  std::atomic<int> lost{0};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&](const std::stop_token& stop) {
        Connection own{*this};
        while (!stop.stop_requested()) {
          const auto response = own.send("POST", path + "/adjust", R"({"delta":1})", staff());
          if (response.status == 200) {
            ++accepted;
          } else if (response.status == -1) {
            return;  // the service does not listen any more
          } else {
            ++lost;
          }
        }
      });
    }
    ASSERT_TRUE(eventually([&] { return accepted > 200; }));
    service().signal(SIGTERM);
    EXPECT_EQ(service().wait(std::chrono::seconds{20}), 0);
  }
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(database().run("select quantity from stock_readings"), std::to_string(accepted));
}

}  // namespace
}  // namespace codasync::test
