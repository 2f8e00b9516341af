#include <gmock/gmock.h>

#include <random>

#include "cache/entry_seal.hpp"
#include "cache/key.hpp"
#include "tests/service/service.hpp"
#include "tests/support/malformed_answers.hpp"
#include "tests/support/sealed.hpp"

// Any client of Memcached can store any value under any key. The service and Nginx then respond
// from the database, count the entry and delete it.

namespace codasync::test {
namespace {

using testing::HasSubstr;

class MalformedEntries : public ServiceTest {
 protected:
  explicit MalformedEntries(std::vector<std::string> settings = {})
      : ServiceTest{std::move(settings)} {}

  /// Stores bytes without a seal.
  void store(const std::string& key, const std::string& bytes) {
    ASSERT_EQ(memcached().ask(store_bytes(key, bytes)), "STORED");
  }
  /// The same with a seal, as if a process of this installation had stored them.
  void store_content(const std::string& key, const std::string& content) {
    content.empty() ? store(key, content) : store_entry(key, content);
  }

  /// Returns: the token of a generation.
  std::string token_of(const cache::Key& generation) {
    const auto text =
        memcached().ask("get " + generation.text);  // VALUE … CR LF seal token CR LF END
    return text.substr(text.find("\r\n") + 2 + cache::EntrySeal::kBytes, 32);
  }

  /// Reads `path` with each of the malformed values, after `head`, in its entry `key`.
  void expect_the_same_response(const std::string& path, const std::string& key,
                                const std::string& head = "") {
    const auto right = get(path, staff());
    ASSERT_EQ(right.status, 200);
    for (const auto& malformed_value : malformed_answers()) {
      const auto value = head + malformed_value;
      store_content(key, value);
      const auto malformed = metric(kMalformed);
      const auto response = get(path, staff());
      ASSERT_EQ(response.status, 200) << testing::PrintToString(value);
      EXPECT_EQ(response.body, right.body) << testing::PrintToString(value);
      EXPECT_EQ(response.header("ETag"), right.header("ETag"));
      EXPECT_EQ(metric(kMalformed), malformed + 1) << testing::PrintToString(value);
      EXPECT_THAT(memcached().ask("get " + key), HasSubstr(right.body))
          << "the entry was added again";
    }
    EXPECT_FALSE(service().poll()) << "the service still runs";
  }

  static constexpr const char* kMalformed = R"(codasync_cache_malformed_entries_total{slot="0"})";
};

TEST_F(MalformedEntries, of_a_single_resource_are_misses_and_are_replaced) {
  const auto id = std::to_string(a_reading("4006381333931"));
  for (const auto& path : {"/api/v1/stock-readings/" + id, "/api/v1/shops/" + shop(),
                           "/api/v1/shops/" + shop() + "/stock/4006381333931",
                           std::string{"/api/v1/products/4006381333931"},
                           std::string{"/api/v1/products/4006381333931/stock"}}) {
    ASSERT_NO_FATAL_FAILURE(expect_the_same_response(path, "coda1:" + path));
  }
}

TEST_F(MalformedEntries, of_a_list_are_misses_and_are_replaced) {
  a_reading("4006381333931");
  struct List {
    std::string address;
    cache::Key generation;
  };
  const ShopId number{std::stoll(shop())};
  for (const auto& [address, generation] :
       {List{"/api/v1/stock-readings?shop=" + shop(), cache::shop_generation(number)},
        List{"/api/v1/shops/" + shop() + "/stock?GTIN=4006381333931",
             cache::shop_generation(number)},
        List{"/api/v1/shops?limit=5", cache::shops_generation()},
        List{"/api/v1/products?limit=5", cache::catalogue_generation()}}) {
    const auto place = cache::list_place(address).text;
    ASSERT_EQ(get(address).status, 200);
    ASSERT_NO_FATAL_FAILURE(expect_the_same_response(address, place));
    ASSERT_NO_FATAL_FAILURE(
        expect_the_same_response(address, place, token_of(generation) + " " + address + "\r\n"));
  }
}

TEST_F(MalformedEntries, of_a_generation_are_misses_and_are_replaced) {
  a_reading("4006381333931");
  const auto path = "/api/v1/stock-readings?shop=" + shop();
  const auto right = get(path);
  const auto key = "gen1:shop:" + shop();
  for (const auto& value :
       {std::string{}, std::string(31, 'a'), std::string(33, 'a'), std::string(32, 'g'),
        std::string(32, 'A'), std::string(32, ' '), std::string(32, '\0'), std::string(300, 'a'),
        "\r\n" + std::string(30, 'a'), std::string(100'000, 'a')}) {
    store_content(key, value);
    const auto malformed = metric(kMalformed);
    EXPECT_EQ(get(path).body, right.body);
    EXPECT_EQ(metric(kMalformed), malformed + 1) << value.size() << " bytes";
    const auto hits = metric(R"(codasync_cache_reads_total{path="hit"})");
    EXPECT_EQ(get(path).body, right.body);
    EXPECT_EQ(metric(R"(codasync_cache_reads_total{path="hit"})"), hits + 1);
  }
}

/// Entries as Memcached has them, changed by a program that does not have the keys.
class ForgedEntries : public MalformedEntries {
 protected:
  struct Stored {
    std::string flags;
    std::string bytes;
  };
  Stored stored(const std::string& key) {
    const auto text = memcached().ask("get " + key);  // VALUE key flags size CR LF bytes CR LF END
    const auto flags = text.find(' ', 6) + 1;
    const auto begin = text.find("\r\n") + 2;
    return {text.substr(flags, text.find(' ', flags) - flags),
            text.substr(begin, text.size() - begin - std::string_view{"\r\nEND"}.size())};
  }
  void put(const std::string& key, const Stored& entry) {
    ASSERT_EQ(memcached().ask("set " + key + " " + entry.flags + " 0 " +
                              std::to_string(entry.bytes.size()) + "\r\n" + entry.bytes),
              "STORED");
  }

  double malformed() {
    return metric(kMalformed) + metric("codasync_edge_malformed_entries_total");
  }
};

/// One way to change an entry; `other` is one of another key.
struct Change {
  const char* what;
  std::function<std::string(std::string entry, const std::string& other, std::mt19937& random)> to;
};

const std::vector<Change>& changes() {
  static const std::vector<Change> kChanges{
      {"a flipped bit",
       [](std::string entry, const std::string&, std::mt19937& random) {
         entry[random() % entry.size()] ^= static_cast<char>(1 << random() % 8);
         return entry;
       }},
      {"truncated", [](std::string entry, const std::string&,
                       std::mt19937& random) { return entry.substr(0, random() % entry.size()); }},
      {"extended",
       [](std::string entry, const std::string&, std::mt19937& random) {
         return entry.append(1 + random() % 20, static_cast<char>(random()));
       }},
      {"replayed under another key",
       [](const std::string&, const std::string& other, std::mt19937&) { return other; }},
      {"the seal of another entry",
       [](const std::string& entry, const std::string& other, std::mt19937&) {
         return other.substr(0, cache::EntrySeal::kBytes) + entry.substr(cache::EntrySeal::kBytes);
       }},
      {"without a seal", [](const std::string& entry, const std::string&,
                            std::mt19937&) { return entry.substr(cache::EntrySeal::kBytes); }},
      {"random bytes",
       [](std::string entry, const std::string&, std::mt19937& random) {
         for (auto& byte : entry) byte = static_cast<char>(random());
         return entry;
       }},
  };
  return kChanges;
}

TEST_F(ForgedEntries, are_never_sent_by_the_service_or_nginx_and_are_counted_and_deleted) {
  Connection edge{start_edge().port()};
  const auto id = std::to_string(a_reading("4006381333931"));
  const auto list = "/api/v1/stock-readings?shop=" + shop();
  const auto shop_path = "/api/v1/shops/" + shop();
  struct Target {
    std::string path;
    std::string key;
  };
  const std::vector<Target> targets{
      {shop_path, "coda1:" + shop_path},
      {"/api/v1/stock-readings/" + id, "coda1:/api/v1/stock-readings/" + id},
      {"/api/v1/products/4006381333931", "coda1:/api/v1/products/4006381333931"},
      {list, cache::list_place(list).text},
      {list, "gen1:shop:" + shop()},
      {"/api/v1/shops?limit=5", cache::list_place("/api/v1/shops?limit=5").text},
  };
  std::map<std::string, std::string> right;
  for (const auto& [path, key] : targets) right[path] = get(path).body;

  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  for (int round = 0; round < 400; ++round) {
    const auto& target = targets[random() % targets.size()];
    const auto& other = targets[random() % targets.size()];
    const auto& change = changes()[random() % changes().size()];
    for (const auto& each : {target, other}) ASSERT_EQ(get(each.path).body, right[each.path]);
    const auto before = stored(target.key);
    auto forged = before;
    forged.bytes = change.to(before.bytes, stored(other.key).bytes, random);
    if (forged.bytes == before.bytes) continue;
    put(target.key, forged);
    const auto counted = malformed();
    const bool through_nginx = random() % 2 == 0;
    const auto response = through_nginx ? edge.send("GET", target.path, "", {}) : get(target.path);
    ASSERT_EQ(response.status, 200) << change.what << ", " << target.key;
    ASSERT_EQ(response.body, right[target.path]) << change.what << ", " << target.key;
    ASSERT_GT(malformed(), counted)
        << change.what << ", " << target.key << (through_nginx ? " through Nginx" : "");
    ASSERT_NE(stored(target.key).bytes, forged.bytes) << change.what << ", " << target.key;
  }
  EXPECT_FALSE(service().poll()) << "the service still runs";
}

TEST_F(ForgedEntries, of_another_installation_or_with_a_later_expiry_are_not_sent) {
  Connection edge{start_edge().port()};
  const auto path = "/api/v1/shops/" + shop();
  const auto key = "coda1:" + path;
  const auto right = get(path).body;
  const std::string forged{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<script>"};
  const auto of_this = stored(key);
  for (const auto& entry : {
           Stored{std::to_string(kLateExpiry),
                  cache::EntrySeal{cache::MemcachedOptions{}}.close({key}, kLateExpiry, forged)},
           Stored{std::to_string(kLateExpiry), of_this.bytes},
       }) {
    for (const bool through_nginx : {true, false}) {
      put(key, entry);
      const auto counted = malformed();
      EXPECT_EQ((through_nginx ? edge.send("GET", path, "", {}) : get(path)).body, right);
      EXPECT_GT(malformed(), counted);
    }
  }
}

using EdgeClock = ServiceTest;

TEST_F(EdgeClock, is_compared_with_that_of_the_service_in_each_miss) {
  Connection edge{start_edge().port()};
  const auto offset = [&] { return metric("codasync_edge_clock_offset_seconds"); };
  EXPECT_EQ(offset(), 0);
  edge.send("GET", "/api/v1/shops/" + shop(), "", {});
  EXPECT_GT(offset(), -1);
  EXPECT_EQ(offset(), 0) << "since the last scrape";
  Connection direct{port_of(0)};
  const auto seconds = std::chrono::duration<double>{now().time_since_epoch()}.count();
  for (const double behind : {5.0, -70.0, 60.0})
    direct.send("GET", "/healthz", "", {{"X-Edge-Time", std::to_string(seconds - behind)}});
  for (const auto* malformed : {"", "x", "1e999", "nan", "inf", "1 2", "0x10"})
    direct.send("GET", "/healthz", "", {{"X-Edge-Time", malformed}});
  EXPECT_NEAR(offset(), -70, 30);
}

/// Reads need a token, and Nginx was rendered without --private-reads.
class PrivateEntries : public ServiceTest {
 protected:
  PrivateEntries() : ServiceTest{{"CODASYNC_API_PUBLIC_READS=false"}} {}
};

TEST_F(PrivateEntries, are_not_sent_by_an_nginx_that_looks_them_up) {
  Connection edge{start_edge().port()};
  const auto path = "/api/v1/shops/" + shop();
  ASSERT_EQ(get(path, staff()).status, 200);
  ASSERT_THAT(memcached().ask("get coda1:" + path), HasSubstr("North")) << "it is stored";
  EXPECT_EQ(edge.send("GET", path, "", {}).status, 401);
}

/// Every read looks up its token, and then its entry, on the executor.
class MalformedPrivateEntries : public MalformedEntries {
 protected:
  MalformedPrivateEntries() : MalformedEntries{{"CODASYNC_API_PUBLIC_READS=false"}} {}
};

TEST_F(MalformedPrivateEntries, are_misses_and_are_replaced) {
  const auto path = "/api/v1/shops/" + shop();
  expect_the_same_response(path, "coda1:" + path);
}

}  // namespace
}  // namespace codasync::test
