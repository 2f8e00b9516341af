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

/// Where the reading of a case is shown.
struct Addresses {
  std::string zone;
  std::string shop;
  std::string id;
  std::vector<std::string> singles;
  std::vector<std::string> lists;
};

const std::string kBase = "/api/v1";

class Midnight : private OwnServers, public ServiceTest {
 protected:
  using Tags = std::map<std::string, std::string>;  // by address

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

  /// A shop in the zone of the case, with one reading.
  Addresses record(const Case& one) {
    static const auto gtin = some_gtins()[0];
    const auto made =
        post(kBase + "/shops",
             R"({"name":"Of )" + one.expires_at + R"(","time_zone":")" + one.zone + "\"}", admin());
    EXPECT_EQ(made.status, 201) << made.body;
    const auto shop = made.row().at("id");
    const auto recorded =
        post(kBase + "/stock-readings",
             R"({"shop":)" + shop + R"(,"GTIN":")" + gtin + R"(","name":"Tea","expiry_date":")" +
                 one.expiry_date + R"(","quantity":5})",
             staff());
    EXPECT_EQ(recorded.status, 201) << recorded.body;
    const auto id = recorded.row().at("id");
    return {one.zone + " " + one.expires_at,
            shop,
            id,
            {kBase + "/stock-readings/" + id, kBase + "/shops/" + shop + "/stock/" + gtin},
            {kBase + "/products/" + gtin + "/stock",
             kBase + "/products/" + gtin + "/stock?in_stock=true",
             kBase + "/stock-readings?shop=" + shop,
             kBase + "/stock-readings?ordering=expiry_date&shop=" + shop,
             kBase + "/stock-readings?GTIN=" + gtin,
             kBase + "/stock-readings?GTIN=" + gtin + "&shop=" + shop,
             kBase + "/shops/" + shop + "/stock?GTIN=" + gtin}};
  }

  /// Reads all addresses through Nginx, directly, and through Nginx again.
  void expect_everywhere(const Addresses& of, bool expired) {
    for (auto* client : {&through_nginx_, &direct_, &through_nginx_}) {
      for (const auto& paths : {of.singles, of.lists})
        for (const auto& path : paths) expect_row(read(*client, path), of, path, expired);
      const auto overview = read(*client, kBase + "/overview?shop=" + of.shop).row();
      ASSERT_FALSE(overview.empty());
      EXPECT_EQ(overview.at("expired"), expired ? "1" : "0") << of.zone;
      for (const auto* where : {"?shop=", "?limit=1000&shop="}) {
        const auto path = kBase + "/stock-readings" + where + of.shop;
        expect_filtered(*client, path + "&expired=", expired, of.zone);
        expect_filtered(*client, path + "&available=", !expired, of.zone);
      }
    }
  }

  Tags tags_of(const Addresses& of) {
    Tags tags;
    for (const auto& paths : {of.singles, of.lists})
      for (const auto& path : paths) tags[path] = tag_of(path);
    return tags;
  }
  void expect_valid(const Tags& tags) {
    for (const auto& [path, tag] : tags)
      EXPECT_EQ(status_with(through_nginx_, path, tag), 304) << path;
  }
  void expect_ended(const Tags& tags, const std::string& zone) {
    for (const auto& [path, tag] : tags) {
      EXPECT_EQ(status_with(through_nginx_, path, tag), 200) << zone << " " << path;
      EXPECT_EQ(status_with(direct_, path, tag), 200) << zone << " " << path;
      const auto newer = tag_of(path);
      EXPECT_NE(newer, tag) << path;
      EXPECT_EQ(status_with(through_nginx_, path, newer), 304) << path;
    }
  }

  /// The reading was not written at midnight: If-Match takes its version, and both tags of it.
  void expect_both_tags_match(const std::string& path, const std::string& before) {
    database().run("select keep_ledger_partitions()");
    const auto count_if = [&](const std::string& tag) {
      auto conditional = staff();
      conditional.emplace("If-Match", tag);
      return patch(path, R"({"quantity":5})", conditional);
    };
    const auto counted = count_if(before);
    EXPECT_EQ(counted.status, 200) << counted.body;
    EXPECT_EQ(counted.row().at("expired"), "true");
    EXPECT_EQ(counted.header("ETag"), tag_of(path));
    EXPECT_EQ(count_if("\"" + counted.row().at("version") + "\"").status, 200);
    EXPECT_EQ(count_if(tag_of(path)).status, 200);
    const auto refused = count_if(before);
    EXPECT_EQ(refused.status, 412);
    EXPECT_EQ(refused.header("ETag"), tag_of(path));
  }

  HttpResponse read_directly(const std::string& path) { return read(direct_, path); }

 private:
  static HttpResponse read(Connection& client, const std::string& path) {
    return client.send("GET", path, "", {});
  }
  static std::string flag(bool value) { return value ? "true" : "false"; }

  static void expect_row(const HttpResponse& response, const Addresses& of, const std::string& path,
                         bool expired) {
    auto found = response.row();
    for (const auto& row : response.rows())
      if (row.at("id") == of.id) found = row;
    ASSERT_FALSE(found.empty()) << path;
    EXPECT_EQ(found.at("expired"), flag(expired)) << of.zone << " " << path;
    EXPECT_EQ(found.at("available"), flag(!expired)) << of.zone << " " << path;
  }
  static void expect_filtered(Connection& client, const std::string& path, bool value,
                              const std::string& zone) {
    EXPECT_EQ(read(client, path + flag(value)).rows().size(), 1U) << zone << " " << path;
    EXPECT_EQ(read(client, path + flag(!value)).body, "[]") << zone << " " << path;
  }
  std::string tag_of(const std::string& path) { return read(through_nginx_, path).header("ETag"); }
  static int status_with(Connection& client, const std::string& path, const std::string& tag) {
    // httplib waits for the body of a 304 until the connection is closed.
    return client.send("GET", path, "", {{"If-None-Match", tag}, {"Connection", "close"}}).status;
  }

  std::chrono::seconds offset_{0};
  Connection through_nginx_{start_edge().port()};
  Connection direct_{*this};
};

TEST_F(Midnight, of_the_shop_ends_every_response_that_says_available) {
  std::vector<Addresses> recorded;
  for (const auto& one : kCases) recorded.push_back(record(one));
  for (std::size_t i = 0; i < kCases.size(); ++i) {
    const Addresses& shown = recorded[i];
    const auto midnight = *parse_instant(kCases[i].expires_at);

    // A minute before, so that entries are stored, and in the last seconds. The entries of the last
    // midnight are still there, because Memcached's clock stays as it is.
    set_clocks(midnight - 60s);
    memcached().clear();
    expect_everywhere(shown, false);
    const auto hits = metric(R"(codasync_cache_reads_total{path="hit"})");
    expect_everywhere(shown, false);
    EXPECT_GT(metric(R"(codasync_cache_reads_total{path="hit"})"), hits) << "lists are cached";
    const auto tags = tags_of(shown);
    expect_valid(tags);
    ASSERT_LT(database_now(), midnight - kDifference) << "this machine is too slow for the test";
    set_clocks(midnight - 2s);
    const auto last = read_directly(shown.singles[0]).row();
    if (database_now() < midnight) {
      EXPECT_EQ(last.at("expired"), "false") << shown.zone;
    }

    set_clocks(midnight);
    expect_everywhere(shown, true);
    expect_ended(tags, shown.zone);
    expect_both_tags_match(shown.singles[0], tags.at(shown.singles[0]));
  }
}

}  // namespace
}  // namespace codasync::test
