#include "tests/service/service.hpp"

// api.public_reads = false. Memcached then has answers that only clients with a token may see.

namespace codasync::test {
namespace {

class PrivateReads : public ServiceTest {
 protected:
  PrivateReads() : ServiceTest{{"CODASYNC_API_PUBLIC_READS=false"}} { do_not_compare_reads(); }

  /// Every address that Nginx looks up.
  [[nodiscard]] std::vector<std::string> cached_addresses(const std::string& reading) const {
    const std::string api = "/api/v1/";
    return {api + "shops/" + shop(),
            api + "products/4006381333931",
            api + "products/4006381333931/stock",
            api + "stock-readings/" + reading,
            api + "shops/" + shop() + "/stock/4006381333931",
            api + "shops/" + shop() + "/stock?GTIN=4006381333931",
            api + "shops",
            api + "products",
            api + "categories",
            api + "brands",
            api + "stock-readings?shop=" + shop()};
  }

  double hits() { return metric(R"(codasync_cache_reads_total{path="hit"})"); }
};

TEST_F(PrivateReads, are_not_served_by_an_nginx_that_was_not_configured_for_them) {
  const auto reading = std::to_string(a_reading("4006381333931"));
  const int edge = start_edge().port();  // without --private-reads
  Connection client{edge};
  for (const auto& address : cached_addresses(reading)) {
    const auto first = get(address, staff());
    ASSERT_EQ(first.status, 200) << address;
    const auto before = hits() + metric(R"(codasync_cache_lookups_total{result="hit"})");
    EXPECT_EQ(get(address, staff()).body, first.body);
    EXPECT_GT(hits() + metric(R"(codasync_cache_lookups_total{result="hit"})"), before)
        << address << " is in the cache";
    const auto without = client.send("GET", address, "", {});
    EXPECT_EQ(without.status, 401) << address << without.body;
    EXPECT_EQ(without.body.find("Tea"), std::string::npos);
    EXPECT_EQ(client.send("GET", address, "", staff()).body, first.body);
  }
}

// The setting changes in one instance after the other.
TEST_F(PrivateReads, are_never_older_than_a_write_of_an_instance_with_public_reads) {
  const auto reading = std::to_string(a_reading("4006381333931"));
  start_second_instance({"CODASYNC_API_PUBLIC_READS=true"});
  Connection other{*this, 1};
  for (int quantity = 1; quantity <= 3; ++quantity) {
    for (auto* writer : {&other, static_cast<Connection*>(nullptr)}) {
      const auto path = "/api/v1/stock-readings/" + reading;
      const auto body = R"({"quantity":)" + std::to_string(quantity) + "}";
      const auto addresses = cached_addresses(reading);
      for (const auto& address : addresses) {  // both fill the cache
        ASSERT_EQ(get(address, staff()).status, 200) << address;
        ASSERT_EQ(other.send("GET", address, "", {}).status, 200) << address;
      }
      const auto written = writer != nullptr ? writer->send("PATCH", path, body, staff())
                                             : patch(path, body, staff());
      ASSERT_EQ(written.status, 200) << written.body;
      for (const auto& address : addresses)
        EXPECT_EQ(get(address, staff()).body, other.send("GET", address, "", {}).body) << address;
      EXPECT_EQ(get(path, staff()).number("quantity"), quantity);
    }
  }
}

}  // namespace
}  // namespace codasync::test
