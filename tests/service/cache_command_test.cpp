#include <gmock/gmock.h>

#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

using testing::HasSubstr;

class CacheCommand : public ServiceTest {
 protected:
  /// Returns: whether the first read of a reading adds a cache entry.
  bool fills() {
    const auto before = metric("codasync_cache_reads_total{path=\"filled\"}");
    const auto gtin = some_gtins().at(next_++);
    get("/api/v1/stock-readings/" + std::to_string(a_reading(gtin)));
    return metric("codasync_cache_reads_total{path=\"filled\"}") > before;
  }

 private:
  std::size_t next_{0};
};

TEST_F(CacheCommand, status_shows_each_slot) {
  const auto status = run({"cache", "status"});
  EXPECT_EQ(status.status, 0);
  EXPECT_THAT(status.output, HasSubstr("fills     on since "));
  EXPECT_THAT(status.output, HasSubstr("slots     1 in the database, 1 in these settings"));
  EXPECT_THAT(status.output, testing::ContainsRegex("0 +up +since .*, responds, unix:"));
}

TEST_F(CacheCommand, off_stops_fills_in_running_processes_and_on_starts_with_an_empty_slot) {
  EXPECT_TRUE(fills());
  memcached().ask("set there 0 0 2\r\nok");
  EXPECT_EQ(run({"cache", "off"}).status, 0);
  EXPECT_FALSE(fills());
  EXPECT_THAT(run({"cache", "status"}).output, HasSubstr("fills     off since "));
  const auto on = run({"cache", "on"});
  EXPECT_EQ(on.status, 0) << on.output;
  EXPECT_EQ(memcached().ask("get there"), "END");
  EXPECT_TRUE(fills());
}

TEST_F(CacheCommand, on_accepts_other_servers_only_when_no_old_entry_can_be_read) {
  Memcached second;
  const std::vector<std::string> two{"CODASYNC_MEMCACHED_SERVERS=" + memcached().address() + "," +
                                     second.address()};
  const auto refused = run({"cache", "on"}, two);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, HasSubstr("cache off --wait"));
  EXPECT_TRUE(fills()) << "nothing was changed";

  run({"cache", "off"});
  database().run("update cache_slots set state = 'down'");  // as `cache off --wait` does
  EXPECT_EQ(run({"cache", "on"}, two).status, 0);
  // The running process has the old list and would use other slots for its keys.
  const auto write =
      post("/api/v1/stock-readings",
           R"({"shop":)" + shop() + R"(,"GTIN":"9520000000097","name":"Tea"})", staff());
  EXPECT_EQ(write.status, 503) << write.body;
  EXPECT_TRUE(eventually([&] {
    return service_log().find("memcached.servers names 1 here and 2 elsewhere") !=
           std::string::npos;
  }));
}

/// The order of the steps in config/deploy/kubernetes/README.md. Entries live for a second, so that
/// the wait is short.
class AnotherNumberOfSlots : public ServiceTest {
 protected:
  AnotherNumberOfSlots()
      : ServiceTest{{"CODASYNC_MEMCACHED_ENTRY_TTL=1s", "CODASYNC_MEMCACHED_LEASE_TTL=1s"}} {}

  std::vector<std::string> two() {
    return {"CODASYNC_MEMCACHED_SERVERS=" + memcached().address() + "," + second_.address()};
  }
  int write(std::size_t instance) {
    Connection connection{port_of(instance)};
    const auto body = R"({"shop":)" + shop() +
                      R"(,"GTIN":"4006381333931","name":"Tea","quantity":)" +
                      std::to_string(++quantity_) + "}";
    return connection.send("POST", "/api/v1/stock-readings", body, staff()).status;
  }

  Memcached second_;

 private:
  int quantity_{0};
};

TEST_F(AnotherNumberOfSlots, stops_no_write) {
  EXPECT_EQ(write(0), 201);
  const auto off = run({"cache", "off", "--wait"});
  ASSERT_EQ(off.status, 0) << off.output;
  EXPECT_EQ(write(0), 200);
  start_second_instance(two());  // returns when it is ready
  EXPECT_EQ(write(0), 200);
  EXPECT_EQ(write(1), 200);
  service(0).signal(SIGTERM);
  ASSERT_EQ(service(0).wait(std::chrono::seconds{30}), 0);
  const auto on = run({"cache", "on"}, two());
  ASSERT_EQ(on.status, 0) << on.output;
  EXPECT_EQ(write(1), 200);
  Connection connection{port_of(1)};
  EXPECT_TRUE(eventually([&] {
    for (int shop = 1; shop < 20; ++shop)
      connection.send("GET", "/api/v1/shops?limit=" + std::to_string(shop), "", {});
    connection.send("GET", "/api/v1/stock-readings?shop=" + shop(), "", {});
    connection.send("GET", "/api/v1/products?limit=5", "", {});
    return memcached().ask("stats").find("STAT curr_items 0\r\n") == std::string::npos ||
           second_.ask("stats").find("STAT curr_items 0\r\n") == std::string::npos;
  })) << "the cache is filled again";
}

TEST_F(AnotherNumberOfSlots, makes_an_instance_not_ready_when_the_cache_is_on) {
  const int port = free_port();
  auto settings = two();
  settings.push_back("CODASYNC_SERVER_LISTEN=127.0.0.1:" + std::to_string(port));
  const auto other = start({"serve"}, settings);
  std::string body;
  EXPECT_TRUE(eventually([&] {
    Connection connection{port};
    const auto response = connection.send("GET", "/readyz", "", {});
    body = response.body;
    return response.status == 503 && body.find("number of Memcached servers") != std::string::npos;
  })) << body;
  EXPECT_EQ(write(0), 201) << "the others continue";
  EXPECT_EQ(get("/readyz").status, 200);
}

TEST_F(CacheCommand, on_reports_each_slot_that_is_not_in_use) {
  run({"cache", "off"});
  memcached().stop();
  const auto on = run({"cache", "on"});
  EXPECT_EQ(on.status, 1);
  EXPECT_THAT(on.output, HasSubstr("Slot 0, unix:"));
}

}  // namespace
}  // namespace codasync::test
