#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/model/gtin.hpp"
#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

namespace fs = std::filesystem;

/// The real catalogue when CODASYNC_TEST_DATA has it, otherwise a generated one.
class WholeCatalogue : public ServiceTest {
 protected:
  // Long timeouts: the results must not depend on the speed of the machine.
  WholeCatalogue()
      : ServiceTest{{"CODASYNC_MEMCACHED_ANSWER_TIMEOUT=10s", "CODASYNC_MEMCACHED_LEASE_TTL=60s",
                     "CODASYNC_POSTGRES_FILL_CONNECTIONS_MAX=" + std::to_string(kClients)}} {}

  static constexpr std::size_t kGenerated = 20'000;
  static constexpr std::size_t kClients = 6;  // at most as many as concurrent fills

  void SetUp() override {
    const char* folder = std::getenv("CODASYNC_TEST_DATA");
    file_ = folder == nullptr ? fs::path{} : fs::path{folder} / "products.csv";
    if (fs::exists(file_)) return;
    file_ = fs::path{scratch()} / "products.csv";
    std::ofstream out{file_, std::ios::binary};
    out << "gtin,name,brand,category,source\n";
    for (std::size_t i = 0; i < kGenerated; ++i) {
      const auto body = std::to_string(952'000'000'000 + i);  // the prefix reserved for examples
      out << body << check_digit(body) << ",\"Crème brûlée No. " << i << ", \"\"petite\"\"\",Brand "
          << i % 97 << (i % 3 == 0 ? ",," : ",Desserts,") << "generated\n";
    }
  }

  static char check_digit(const std::string& body) {
    int sum = 0;
    for (std::size_t i = 0; i < body.size(); ++i)
      sum += (body[body.size() - 1 - i] - '0') * (i % 2 == 0 ? 3 : 1);
    return static_cast<char>('0' + (10 - sum % 10) % 10);
  }

  /// Returns: all GTINs of the catalogue, read page by page.
  std::vector<std::string> gtins() {
    std::vector<std::string> found;
    for (std::string page = "/api/v1/products?limit=1000"; !page.empty();) {
      const auto seen = get(page);
      EXPECT_EQ(seen.status, 200) << seen.body;
      const std::string field = "\"GTIN\":\"";
      for (auto at = seen.body.find(field); at != std::string::npos;
           at = seen.body.find(field, at)) {
        at += field.size();
        found.push_back(seen.body.substr(at, seen.body.find('"', at) - at));
      }
      page = seen.next_page();
    }
    return found;
  }

  /// Reads every product through Nginx with several clients. Returns: the bodies.
  static std::vector<std::string> read_all(const Nginx& edge,
                                           const std::vector<std::string>& gtins) {
    std::vector<std::string> bodies(gtins.size());
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> clients;
    for (std::size_t client = 0; client < kClients; ++client) {
      clients.emplace_back([&] {
        Connection own{edge.port()};
        for (std::size_t i = next++; i < gtins.size(); i = next++) {
          const auto seen = own.send("GET", "/api/v1/products/" + gtins[i], "", {});
          if (seen.status == 200) bodies[i] = seen.body;
        }
      });
    }
    clients.clear();
    return bodies;
  }

  static std::size_t count(std::string_view text, std::string_view word) {
    std::size_t found = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  }

  /// Returns: the number of requests for one product that reached the service.
  std::size_t reached() {
    return static_cast<std::size_t>(metric(
        R"(codasync_http_requests_total{method="GET",route="/api/v1/products/{gtin}",status="200"})"));
  }

  fs::path file_;
};

TEST_F(WholeCatalogue, is_imported_by_one_command_and_second_reads_come_from_nginx) {
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(run({"import", "products", file_.string()}).status, 0);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto all = gtins();
  std::cout << all.size() << " products imported in " << took.count() << " s\n";
  ASSERT_GE(all.size(), kGenerated);
  EXPECT_EQ(database().run("select count(*) from products"), std::to_string(all.size()));

  const auto filled = metric("codasync_cache_reads_total{path=\"filled\"}");
  const auto first = read_all(start_edge(), all);
  EXPECT_EQ(reached(), all.size()) << "each first read reaches the service";
  EXPECT_EQ(metric("codasync_cache_reads_total{path=\"filled\"}") - filled,
            static_cast<double>(all.size()));
  for (std::size_t i = 0; i < all.size(); ++i)
    ASSERT_NE(first[i].find("\"GTIN\":\"" + all[i] + "\""), std::string::npos) << first[i];

  auto& edge = start_edge();
  const auto second = read_all(edge, all);
  EXPECT_TRUE(second == first);
  // When Memcached does not respond to Nginx within 100 ms, because the machine is slow, the
  // request goes to the service, and the log contains this.
  const auto log = edge.stop();
  const auto unanswered = count(log, R"("cache":"unavailable")");
  std::cout << count(log, R"("cache":"hit")") << " hits in nginx, " << unanswered
            << " without a response of Memcached\n";
  EXPECT_EQ(reached(), all.size() + unanswered) << "no second read reaches the service";
  EXPECT_EQ(count(log, R"("cache":"hit")"), all.size() - unanswered);
  EXPECT_LT(unanswered, all.size() / 10);
}

TEST_F(WholeCatalogue, is_unchanged_by_the_same_import_again) {
  ASSERT_EQ(run({"import", "products", file_.string()}).status, 0);
  const auto before =
      database().run("select md5(string_agg(p::text, ',' order by gtin)) from products p");
  ASSERT_EQ(run({"import", "products", file_.string()}).status, 0);
  EXPECT_EQ(database().run("select md5(string_agg(p::text, ',' order by gtin)) from products p"),
            before);
}

}  // namespace
}  // namespace codasync::test
