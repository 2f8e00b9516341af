#include <atomic>
#include <random>
#include <thread>

#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

class Consistency : public ServiceTest {};

// Readers, fillers and writers on two instances that share one cache. The newest version that was
// acknowledged before a read began is the least it may return. Each thread counts for itself;
// nothing is timed.
TEST_F(Consistency, never_shows_an_older_version_than_one_that_was_answered) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  start_second_instance();
  const auto& gtins = some_gtins();
  struct Key {
    std::string path;
    std::string id_path;
    std::atomic<std::int64_t> acknowledged{0};
  };
  std::vector<std::unique_ptr<Key>> keys;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto id = a_reading(gtins[i]);
    auto key = std::make_unique<Key>();
    key->path = "/api/v1/shops/" + shop() + "/stock/" + gtins[i];
    key->id_path = "/api/v1/stock-readings/" + std::to_string(id);
    key->acknowledged = 1;
    patch(key->id_path, R"({"quantity":0})", staff());
    keys.push_back(std::move(key));
  }
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> reads{0};
  std::atomic<std::int64_t> stale{0};
  std::vector<std::jthread> readers;
  for (unsigned reader = 0; reader < 6; ++reader) {
    readers.emplace_back([&, reader] {
      std::minstd_rand random{seed + reader};
      Connection own{*this, reader % 2};
      while (!stop) {
        auto& key = *keys[random() % keys.size()];
        const auto at_least = key.acknowledged.load();
        const auto which = random() % 3;
        std::int64_t version = 0;
        if (which == 2) {
          const auto list = own.send("GET", "/api/v1/stock-readings?shop=" + shop(), "", {});
          const auto gtin = key.path.substr(key.path.rfind('/') + 1);
          version = std::stoll(list.text_after("\"version\":", ",", list.body.find(gtin)));
        } else {
          version = own.send("GET", which == 0 ? key.path : key.id_path, "", {}).number("version");
        }
        ++reads;
        if (version < at_least) ++stale;
      }
    });
  }
  {
    std::vector<std::jthread> writers;
    for (unsigned writer = 0; writer < 4; ++writer) {
      writers.emplace_back([&, writer] {
        Connection own{*this, writer % 2};
        auto& key = *keys[writer];
        for (int i = 0; i < 300; ++i) {
          const auto answer = own.send("POST", key.id_path + "/adjust", R"({"delta":1})", staff());
          ASSERT_EQ(answer.status, 200) << answer.body;
          key.acknowledged = answer.number("version");
        }
      });
    }
  }
  stop = true;
  readers.clear();
  std::cout << reads << " reads\n";
  EXPECT_GT(reads, 500);
  EXPECT_EQ(stale, 0);
}

TEST_F(Consistency, fills_the_cache_with_the_first_read_and_answers_the_second_from_it) {
  const auto path = "/api/v1/stock-readings/" + std::to_string(a_reading("4006381333931"));
  const auto filled = metric("codasync_cache_reads_total{path=\"filled\"}");
  const auto hits = metric("codasync_cache_lookups_total{result=\"hit\"}");
  const auto first = get(path);
  const auto second = get(path);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(metric("codasync_cache_reads_total{path=\"filled\"}"), filled + 1);
  EXPECT_EQ(metric("codasync_cache_lookups_total{result=\"hit\"}"), hits + 1);
}

}  // namespace
}  // namespace codasync::test
