#include <gmock/gmock.h>

#include "cache/key.hpp"
#include "tests/service/service.hpp"
#include "tests/support/malformed_answers.hpp"

// Any client of Memcached can store any value under any key. The service then responds from the
// database and deletes the entry.

namespace codasync::test {
namespace {

using testing::HasSubstr;

class MalformedEntries : public ServiceTest {
 protected:
  explicit MalformedEntries(std::vector<std::string> settings = {})
      : ServiceTest{std::move(settings)} {}

  void store(const std::string& key, const std::string& value) {
    const auto size = std::to_string(value.size());
    ASSERT_THAT(memcached().ask("set " + key + " 4102444800 0 " + size + "\r\n" + value),
                HasSubstr("STORED"));
  }

  /// Returns: the token of a generation.
  std::string token_of(const cache::Key& generation) {
    const auto text = memcached().ask("get " + generation.text);  // VALUE … CR LF token CR LF END
    return text.substr(text.find("\r\n") + 2, 32);
  }

  /// Reads `path` with each of the malformed values, after `head`, in its entry `key`.
  void expect_the_same_response(const std::string& path, const std::string& key,
                                const std::string& head = "") {
    const auto right = get(path, staff());
    ASSERT_EQ(right.status, 200);
    for (const auto& malformed_value : malformed_answers()) {
      const auto value = head + malformed_value;
      store(key, value);
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
    store(key, value);
    const auto malformed = metric(kMalformed);
    EXPECT_EQ(get(path).body, right.body);
    EXPECT_EQ(metric(kMalformed), malformed + 1) << value.size() << " bytes";
    const auto hits = metric(R"(codasync_cache_reads_total{path="hit"})");
    EXPECT_EQ(get(path).body, right.body);
    EXPECT_EQ(metric(R"(codasync_cache_reads_total{path="hit"})"), hits + 1);
  }
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
