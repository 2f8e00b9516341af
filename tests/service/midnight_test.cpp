#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "storage/model/time.hpp"
#include "tests/service/service.hpp"
#include "tests/support/postgres.hpp"

// A reading expires at the midnight of its shop without a write. All servers have a clock that the
// test sets; the clock of Nginx and of the service is 2 s behind PostgreSQL's, the largest
// difference that the cache allows.

namespace codasync::test {
namespace {

using namespace std::chrono_literals;

/// The wall clock of the processes that are started with its environment (tests/faults/clock.cpp).
class Clock {
 public:
  explicit Clock(std::string file) : file_{std::move(file)} { set(0s); }

  [[nodiscard]] std::vector<std::string> environment() const {
    return {"LD_PRELOAD=" CODASYNC_CLOCK, "CODASYNC_CLOCK_FILE=" + file_};
  }
  void set(std::chrono::seconds offset) {
    const std::int64_t seconds = offset.count();
    std::fstream out{file_, std::ios::binary | std::ios::in | std::ios::out};
    if (!out) out.open(file_, std::ios::binary | std::ios::out);
    out.write(reinterpret_cast<const char*>(&seconds), sizeof seconds);
  }

 private:
  const std::string file_;
};

std::string readable_by_servers(const std::string& folder) {
  give_to_servers(folder);
  return folder;
}

struct Servers {
  std::string folder = readable_by_servers(make_scratch_directory());
  Clock database{folder + "/database.clock"};
  Clock others{folder + "/others.clock"};
  Postgres postgres{database.environment()};
};

/// Starts PostgreSQL before the fixture's other servers, which get the clock too.
class OwnServers {
 protected:
  OwnServers() {
    setenv("CODASYNC_TEST_POSTGRES", servers_.postgres.url().c_str(), 1);
    unsetenv("CODASYNC_TEST_PGBOUNCER");
    for (const auto& setting : servers_.others.environment()) {
      const auto end = setting.find('=');
      setenv(setting.substr(0, end).c_str(), setting.substr(end + 1).c_str(), 1);
    }
  }
  Servers servers_;
};

class Midnight : private OwnServers, public ServiceTest {
 protected:
  static constexpr auto kDifference = 2s;

  /// Sets the clocks so that PostgreSQL's is less than a second after `moment`.
  void set_clocks(Instant moment) {
    const auto offset = std::chrono::ceil<std::chrono::seconds>(moment - now());
    servers_.database.set(offset);
    servers_.others.set(offset - kDifference);
    offset_ = offset;
  }
  /// Returns: PostgreSQL's clock.
  [[nodiscard]] Instant database_now() const { return now() + offset_; }

 private:
  std::chrono::seconds offset_{0};
};

struct Case {
  std::string zone;
  std::string expiry_date;
  std::string expires_at;  // the shop's midnight
};

// In the order of time. Clocks change in the night in New York; in Santiago, Cairo, Havana and the
// Azores they change at midnight.
const std::vector<Case> kCases{
    {"UTC", "2035-03-01", "2035-03-02T00:00:00Z"},
    {"Pacific/Kiritimati", "2035-03-02", "2035-03-02T10:00:00Z"},
    {"Pacific/Pago_Pago", "2035-03-02", "2035-03-03T11:00:00Z"},
    {"Asia/Kathmandu", "2035-03-03", "2035-03-03T18:15:00Z"},
    {"America/New_York", "2035-03-10", "2035-03-11T05:00:00Z"},
    {"America/New_York", "2035-03-11", "2035-03-12T04:00:00Z"},
    {"Atlantic/Azores", "2035-03-24", "2035-03-25T01:00:00Z"},   // there is no midnight
    {"America/Santiago", "2035-04-07", "2035-04-08T04:00:00Z"},  // 23:00 comes twice
    {"Africa/Cairo", "2035-04-26", "2035-04-26T22:00:00Z"},      // there is no midnight
    {"America/Santiago", "2035-09-01", "2035-09-02T04:00:00Z"},  // there is no midnight
    {"Africa/Cairo", "2035-10-25", "2035-10-25T22:00:00Z"},      // 23:00 comes twice
    {"Atlantic/Azores", "2035-10-27", "2035-10-28T00:00:00Z"},   // midnight comes twice
    {"America/New_York", "2035-11-03", "2035-11-04T04:00:00Z"},
    {"America/New_York", "2035-11-04", "2035-11-05T05:00:00Z"},
    {"America/Havana", "2036-11-01", "2036-11-02T04:00:00Z"},  // midnight comes twice
};

TEST_F(Midnight, of_the_shop_ends_every_response_that_says_available) {
  const auto& gtin = some_gtins()[0];
  struct Made {
    std::string shop;
    std::string id;
  };
  std::vector<Made> made;
  for (const auto& [zone, date, moment] : kCases) {
    const auto name = std::to_string(made.size());
    const auto place =
        post("/api/v1/shops", R"({"name":")" + name + R"(","time_zone":")" + zone + "\"}", admin());
    ASSERT_EQ(place.status, 201) << place.body;
    const auto number = place.row().at("id");
    const auto recorded =
        post("/api/v1/stock-readings",
             R"({"shop":)" + number + R"(,"GTIN":")" + gtin + R"(","name":"Tea","expiry_date":")" +
                 date + R"(","quantity":5})",
             staff());
    ASSERT_EQ(recorded.status, 201) << recorded.body;
    made.push_back({number, recorded.row().at("id")});
  }
  auto& edge = start_edge();
  Connection through_nginx{edge.port()};
  Connection direct{*this};

  for (std::size_t i = 0; i < kCases.size(); ++i) {
    const auto& [zone, date, text] = kCases[i];
    const auto& [place, id] = made[i];
    const auto midnight = *parse_instant(text);
    const std::string base = "/api/v1";
    const std::vector<std::string> singles{base + "/stock-readings/" + id,
                                           base + "/shops/" + place + "/stock/" + gtin};
    const std::vector<std::string> lists{
        base + "/products/" + gtin + "/stock",
        base + "/products/" + gtin + "/stock?in_stock=true",
        base + "/stock-readings?shop=" + place,
        base + "/stock-readings?ordering=expiry_date&shop=" + place,
        base + "/stock-readings?GTIN=" + gtin,
        base + "/stock-readings?GTIN=" + gtin + "&shop=" + place,
        base + "/shops/" + place + "/stock?GTIN=" + gtin};
    /// Returns: the reading in the response; empty when it is not in it.
    const auto row_in = [&](const HttpResponse& response) {
      if (auto row = response.row(); !row.empty()) return row;
      for (auto& row : response.rows())
        if (row.at("id") == id) return row;
      return Row{};
    };
    const auto expect_all = [&](bool expired) {
      const auto flag = [](bool value) { return value ? "true" : "false"; };
      for (auto* client : {&through_nginx, &direct, &through_nginx}) {
        for (const auto& paths : {singles, lists}) {
          for (const auto& path : paths) {
            const auto row = row_in(client->send("GET", path, "", {}));
            ASSERT_FALSE(row.empty()) << path;
            EXPECT_EQ(row.at("expired"), flag(expired)) << zone << " " << text << " " << path;
            EXPECT_EQ(row.at("available"), flag(!expired)) << zone << " " << text << " " << path;
          }
        }
        const auto overview = client->send("GET", base + "/overview?shop=" + place, "", {}).row();
        ASSERT_FALSE(overview.empty());
        EXPECT_EQ(overview.at("expired"), expired ? "1" : "0") << zone << " " << text;
        for (const auto* name : {"expired", "available"}) {
          const bool is = (std::string{name} == "expired") == expired;
          for (const auto* where : {"?shop=", "?limit=1000&shop="}) {
            const auto path = base + "/stock-readings" + where + place + "&" + name + "=";
            const auto with = client->send("GET", path + flag(is), "", {});
            const auto without = client->send("GET", path + flag(!is), "", {});
            EXPECT_EQ(with.rows().size(), 1U) << zone << " " << text << " " << path << flag(is);
            EXPECT_EQ(without.body, "[]") << zone << " " << text << " " << path << flag(!is);
          }
        }
      }
    };
    const auto tag_of = [&](const std::string& path) {
      return through_nginx.send("GET", path, "", {}).header("ETag");
    };
    const auto status_with = [&](Connection& client, const std::string& path,
                                 const std::string& tag) {
      // httplib waits for the body of a 304 until the connection is closed.
      return client.send("GET", path, "", {{"If-None-Match", tag}, {"Connection", "close"}}).status;
    };

    // A minute before, so that entries are stored, and in the last seconds. The entries of the last
    // midnight are still there, because Memcached's clock stays as it is.
    set_clocks(midnight - 60s);
    memcached().clear();
    expect_all(false);
    const auto hits = metric(R"(codasync_cache_reads_total{path="hit"})");
    expect_all(false);
    EXPECT_GT(metric(R"(codasync_cache_reads_total{path="hit"})"), hits) << "lists are cached";
    if (i == 0) std::cout << get("/metrics").body << service_log();
    std::map<std::string, std::string> tags;
    for (const auto& path : singles) tags[path] = tag_of(path);
    for (const auto& path : lists) tags[path] = tag_of(path);
    for (const auto& [path, tag] : tags) EXPECT_EQ(status_with(through_nginx, path, tag), 304);
    ASSERT_LT(database_now(), midnight - kDifference) << "this machine is too slow for the test";
    set_clocks(midnight - 2s);
    const auto last = direct.send("GET", singles[0], "", {}).row();
    if (database_now() < midnight) {
      EXPECT_EQ(last.at("expired"), "false") << zone << " " << text;
    }

    set_clocks(midnight);
    expect_all(true);
    for (const auto& [path, tag] : tags) {
      EXPECT_EQ(status_with(through_nginx, path, tag), 200) << zone << " " << path;
      EXPECT_EQ(status_with(direct, path, tag), 200) << zone << " " << path;
      EXPECT_NE(tag_of(path), tag) << path;
      EXPECT_EQ(status_with(through_nginx, path, tag_of(path)), 304) << path;
    }

    // The reading was not written: If-Match takes its version, and both tags of it.
    database().run("select keep_ledger_partitions()");
    const auto count_if = [&](const std::string& tag) {
      auto conditional = staff();
      conditional.emplace("If-Match", tag);
      return patch(singles[0], R"({"quantity":5})", conditional);
    };
    const auto& before = tags.at(singles[0]);
    const auto counted = count_if(before);
    EXPECT_EQ(counted.status, 200) << counted.body;
    EXPECT_EQ(counted.row().at("expired"), "true");
    EXPECT_EQ(counted.header("ETag"), tag_of(singles[0]));
    EXPECT_EQ(count_if("\"" + counted.row().at("version") + "\"").status, 200);
    EXPECT_EQ(count_if(tag_of(singles[0])).status, 200);
    const auto refused = count_if(before);
    EXPECT_EQ(refused.status, 412);
    EXPECT_EQ(refused.header("ETag"), tag_of(singles[0]));
  }
}

}  // namespace
}  // namespace codasync::test
