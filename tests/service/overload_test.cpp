#include <future>
#include <thread>
#include <vector>

#include "storage/postgres/transaction.hpp"
#include "tests/service/service.hpp"
#include "tests/transport/client.hpp"

// Slow queries of clients, and what must not wait behind them.

namespace codasync::test {
namespace {

/// Every read of a product waits until `release()`, in a service with few threads and connections.
class Overload : public ServiceTest {
 protected:
  Overload()
      : ServiceTest{{"CODASYNC_EXECUTOR_THREADS=2", "CODASYNC_EXECUTOR_QUEUE_TIMEOUT=1s",
                     "CODASYNC_POSTGRES_CONNECTIONS_MAX=2",
                     "CODASYNC_POSTGRES_STATEMENT_TIMEOUT=60s",
                     "CODASYNC_POSTGRES_LOCK_TIMEOUT=30s"}} {
    reading_ = a_reading("4006381333931");
    do_not_compare_reads();
  }
  ~Overload() override { release(); }

  /// Returns when the threads of the executor and the connections of reads are in use, and more
  /// requests wait.
  void occupy() {
    connection_.emplace(database().options());
    lock_.emplace(*connection_, storage::postgres::Transaction::Access::read_write,
                  "lock table products in access exclusive mode");
    for (int client = 0; client < 8; ++client) {
      reads_.push_back(std::async(std::launch::async, [this, client] {
        Connection own{*this};
        return own
            .send("GET", "/api/v1/products?search=" + std::string(1, char('a' + client)), "", {})
            .status;
      }));
    }
    ASSERT_TRUE(eventually([&] {
      return database().run(
                 "select count(*) from pg_stat_activity where datname = current_database() and"
                 " wait_event_type = 'Lock'") == "2";
    }));
  }
  void release() {
    lock_.reset();
    connection_.reset();
  }
  /// Releases the lock. Returns: how often each status was the response of a read.
  std::map<int, int> finish() {
    release();
    std::map<int, int> seen;
    for (auto& read : reads_) ++seen[read.get()];
    return seen;
  }
  [[nodiscard]] std::string path() const {
    return "/api/v1/stock-readings/" + std::to_string(reading_);
  }

 private:
  std::int64_t reading_{0};
  std::optional<storage::postgres::Connection> connection_;
  std::optional<storage::postgres::Transaction> lock_;
  std::vector<std::future<int>> reads_;
};

TEST_F(Overload, delays_neither_readiness_nor_metrics) {
  occupy();
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(get("/metrics").status, 200);
  finish();
}

TEST_F(Overload, delays_no_look_up_of_a_token) {
  occupy();
  EXPECT_EQ(get("/api/v1/tokens/self", staff()).status, 200);
  EXPECT_EQ(get("/api/v1/tokens/self", {{"Authorization", "Bearer nonsense"}}).status, 401);
  finish();
}

TEST_F(Overload, refuses_reads_that_waited_too_long_and_finishes_the_others) {
  occupy();
  std::this_thread::sleep_for(std::chrono::milliseconds{1500});  // longer than queue_timeout
  const auto seen = finish();
  EXPECT_EQ(seen.at(200), 2) << "these had a thread";
  EXPECT_EQ(seen.at(503), 6);
  EXPECT_EQ(get("/api/v1/products?search=x").status, 200);
}

TEST_F(Overload, drops_reads_of_clients_that_have_gone) {
  occupy();
  const auto before =
      metric("codasync_http_requests_total{method=\"GET\",route=\"/api/v1/shops\",status=\"499\"}");
  {
    Client gone{"127.0.0.1:" + std::to_string(port_of(0))};
    const auto waiting = metric("codasync_executor_waiting_requests");
    gone.send_get("/api/v1/shops");
    ASSERT_TRUE(eventually([&] { return metric("codasync_executor_waiting_requests") > waiting; }));
    gone.vanish();
  }
  finish();
  EXPECT_TRUE(eventually([&] {
    return metric(
               "codasync_http_requests_total{method=\"GET\",route=\"/api/v1/shops\",status="
               "\"499\"}") > before;
  }));
}

}  // namespace
}  // namespace codasync::test
