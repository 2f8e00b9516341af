#include "api/observability/metrics.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

#include "api/observability/expired_readings.hpp"
#include "tests/api/fakes.hpp"

namespace codasync::api {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, start_with_zeros) {
  const auto text = Metrics{2}.text();
  for (const std::string series :
       {R"(codasync_cache_unavailable_total{slot="1"} 0)",
        R"(codasync_cache_delete_failures_total{slot="0"} 0)",
        R"(codasync_cache_malformed_entries_total{slot="1"} 0)",
        R"(codasync_cache_reads_total{path="lease_lost"} 0)",
        R"(codasync_postgres_pool_connections{pool="fills"} 0)",
        R"(codasync_postgres_pool_wait_seconds_count{pool="catalogue"} 0)",
        R"(codasync_postgres_pool_refusals_total{pool="tokens"} 0)",
        R"(codasync_ledger_doubts_total 0)"}) {
    EXPECT_THAT(text, HasSubstr("\n" + series + "\n"));
  }
}

TEST(Metrics, count_requests_by_route_method_and_status) {
  Metrics metrics{1};
  metrics.request("/a", "GET", 200, std::chrono::milliseconds{3});
  metrics.request("/a", "GET", 200, std::chrono::milliseconds{300});
  metrics.request("/a", "GET", 404, std::chrono::milliseconds{3});
  metrics.request("/a", "PUT", 200, std::chrono::milliseconds{3});
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr(R"(requests_total{method="GET",route="/a",status="200"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(requests_total{method="GET",route="/a",status="404"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(requests_total{method="PUT",route="/a",status="200"} 1)"));
  // The latency of a route is one series for all statuses.
  EXPECT_THAT(text, HasSubstr(R"(seconds_bucket{method="GET",route="/a",le="0.005"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(seconds_count{method="GET",route="/a"} 3)"));
}

TEST(Metrics, count_the_connections_that_a_pool_has_lent) {
  Metrics metrics{1};
  metrics.on_lent(storage::PoolName::reads, std::chrono::milliseconds{2});
  metrics.on_lent(storage::PoolName::reads, std::chrono::milliseconds{2});
  metrics.on_returned(storage::PoolName::reads);
  metrics.on_refused(storage::PoolName::reads);
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr(R"(codasync_postgres_pool_connections{pool="reads"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(codasync_postgres_pool_wait_seconds_count{pool="reads"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(codasync_postgres_pool_refusals_total{pool="reads"} 1)"));
}

TEST(Metrics, show_the_state_of_each_slot) {
  Metrics metrics{2};
  EXPECT_THAT(metrics.text(), Not(HasSubstr("\ncodasync_cache_slot_state")));  // not checked yet
  storage::CacheState state{};
  state.fills = true;
  state.slots.push_back({.number = 0, .state = storage::SlotState::up});
  state.slots.push_back({.number = 1, .state = storage::SlotState::waiting});
  metrics.slots(state);
  EXPECT_THAT(metrics.text(),
              HasSubstr("\ncodasync_cache_slot_state{slot=\"1\",state=\"waiting\"} 1\n"));
  state.slots[1].state = storage::SlotState::down;
  state.fills = false;
  metrics.slots(state);
  const auto text = metrics.text();
  for (const std::string series : {R"(codasync_cache_slot_state{slot="0",state="up"} 1)",
                                   R"(codasync_cache_slot_state{slot="1",state="waiting"} 0)",
                                   R"(codasync_cache_slot_state{slot="1",state="down"} 1)",
                                   R"(codasync_cache_fills_allowed 0)"}) {
    EXPECT_THAT(text, HasSubstr("\n" + series + "\n"));
  }
}

TEST(Metrics, lack_only_the_samples_that_cannot_be_collected) {
  Metrics metrics{1};
  metrics.on_scrape([]() -> std::vector<Sample> { throw std::runtime_error{"not now"}; });
  metrics.on_scrape([] {
    return std::vector<Sample>{{"jars", "Jars.", Sample::Kind::gauge, 2, {{"shelf", "top"}}},
                               {"jars", "Jars.", Sample::Kind::gauge, 3, {{"shelf", "low"}}}};
  });
  EXPECT_THAT(metrics.text(), HasSubstr("# TYPE jars gauge\njars{shelf=\"top\"} 2\njars{shelf="));
  EXPECT_THAT(metrics.text(), HasSubstr("\ncodasync_scrape_failures_total 2\n"));
}

TEST(Samples, of_this_process_have_the_standard_names) {
  Metrics metrics{0};
  metrics.on_scrape([] { return process_samples(); });
  const auto text = metrics.text();
  for (const std::string name :
       {"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes",
        "process_open_fds", "process_max_fds"}) {
    EXPECT_THAT(text, HasSubstr("\n" + name + " ")) << text;
    EXPECT_THAT(text, Not(HasSubstr("\n" + name + " 0\n"))) << text;
  }
}

TEST(ExpiredReadings, query_the_database_once_for_many_scrapes) {
  test::FakeRows rows;
  test::FakeDatabase database{rows};
  ExpiredReadings expired{database};
  expired.samples();
  expired.samples();
  EXPECT_EQ(rows.queries, 1);
}

}  // namespace
}  // namespace codasync::api
