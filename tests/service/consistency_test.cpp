#include <atomic>
#include <barrier>
#include <chrono>
#include <memory>
#include <random>
#include <string_view>
#include <thread>

#include "tests/service/service.hpp"

namespace codasync::test {
namespace {

class Consistency : public ServiceTest {
 protected:
  /// A reading, and the addresses where it can be read.
  struct Key {
    std::string gtin;
    std::string path;
    std::string id_path;
    std::atomic<std::int64_t> least{1};  // the newest version that any client has received
  };

  static void raise(std::atomic<std::int64_t>& least, std::int64_t version) {
    auto known = least.load();
    while (known < version && !least.compare_exchange_weak(known, version)) {
    }
  }

  std::vector<std::unique_ptr<Key>> some_readings() {
    std::vector<std::unique_ptr<Key>> keys;
    for (std::size_t i = 0; i < kKeys; ++i) {
      auto key = std::make_unique<Key>();
      key->gtin = some_gtins()[i];
      key->id_path = "/api/v1/stock-readings/" + std::to_string(a_reading(key->gtin));
      key->path = "/api/v1/shops/" + shop() + "/stock/" + key->gtin;
      patch(key->id_path, R"({"quantity":0})", staff());
      keys.push_back(std::move(key));
    }
    return keys;
  }

  /// Returns: the version of one reading as one of its four addresses shows it.
  std::int64_t read(Connection& own, const Key& key, unsigned which) const {
    const std::string paths[] = {key.path, key.id_path, "/api/v1/stock-readings?shop=" + shop(),
                                 "/api/v1/products/" + key.gtin + "/stock"};
    HttpResponse response;
    // 503 is possible on a machine that is too slow for the timeouts.
    for (int attempt = 0; attempt < 100 && response.status != 200; ++attempt) {
      response = own.send("GET", paths[which], "", {});
      if (response.status != 503) break;
    }
    EXPECT_EQ(response.status, 200) << response.body;
    if (which < 2) return response.number("version");
    const auto row = response.body.find("\"" + key.gtin + "\"");
    return std::stoll(response.text_after("\"version\":", ",", row));
  }

  /// One of the threads that pause together, until it ends.
  class Together {
   public:
    explicit Together(std::barrier<>& pauses) : pauses_{pauses} {}
    ~Together() { pauses_.arrive_and_drop(); }
    Together(const Together&) = delete;
    Together& operator=(const Together&) = delete;
    void wait() { pauses_.arrive_and_wait(); }

   private:
    std::barrier<>& pauses_;
  };

  /// Returns after this many more reads.
  static void wait_for_reads(const std::atomic<std::int64_t>& reads, std::int64_t more) {
    const auto until = reads + more;
    while (reads < until) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }

  /// Runs readers and writers at these ports. A read may not show a version older than the newest
  /// one in any response received before the read started. The result does not depend on timing.
  /// Writers pause together for a number of reads: entries that are always written have no hits.
  void race(const std::vector<int>& ports) {
    const auto seed = std::random_device{}();
    std::cout << "seed " << seed << "\n";
    const auto keys = some_readings();
    std::atomic<bool> stop{false};
    std::atomic<std::int64_t> reads{0};
    std::atomic<std::int64_t> stale{0};
    std::vector<std::jthread> readers;
    for (unsigned reader = 0; reader < 6; ++reader) {
      readers.emplace_back([&, reader] {
        std::minstd_rand random{seed + reader};
        Connection own{ports[reader % ports.size()]};
        while (!stop) {
          auto& key = *keys[random() % kKeys];
          const auto least = key.least.load();
          const auto version = read(own, key, random() % 4);
          ++reads;
          if (version < least) ++stale;
          raise(key.least, version);
        }
      });
    }
    {
      std::barrier pauses{static_cast<std::ptrdiff_t>(kKeys)};
      std::vector<std::jthread> writers;
      for (std::size_t writer = 0; writer < kKeys; ++writer) {
        writers.emplace_back([&, writer] {
          Connection own{ports[writer % ports.size()]};
          auto& key = *keys[writer];
          Together all_pause{pauses};
          for (std::int64_t i = 1; i <= kWrites; ++i) {
            HttpResponse response;
            // 503 is possible on a machine that is too slow for the timeouts; nothing was changed.
            for (int attempt = 0; attempt < 100 && response.status != 200; ++attempt) {
              response = own.send("POST", key.id_path + "/adjust", R"({"delta":1})", staff());
              if (response.status != 503) break;
            }
            ASSERT_EQ(response.status, 200) << response.body;
            ASSERT_EQ(response.number("quantity"), i) << "each reading has only one writer";
            raise(key.least, response.number("version"));
            if (i % kWritesBetweenPauses != 0) continue;
            all_pause.wait();
            wait_for_reads(reads, kReadsInPause);
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

  static constexpr std::size_t kKeys = 4;
  static constexpr std::int64_t kWrites = 300;
  static constexpr std::int64_t kWritesBetweenPauses = 30;
  static constexpr std::int64_t kReadsInPause = 200;
};

TEST_F(Consistency, never_shows_an_older_version_than_an_earlier_response) {
  start_second_instance();
  race({port_of(0), port_of(1)});
}

TEST_F(Consistency, never_shows_an_older_version_through_nginx_and_directly) {
  start_second_instance();
  auto& edge = start_edge();
  race({edge.port(), port_of(0), port_of(1)});
  const auto log = edge.stop();
  const auto count = [&](std::string_view state) {
    const auto field = R"("cache":")" + std::string{state} + "\"";
    std::size_t found = 0;
    for (auto at = log.find(field); at != std::string::npos; at = log.find(field, at + 1)) ++found;
    return found;
  };
  std::cout << count("hit") << " hits in nginx, " << count("miss") << " misses, "
            << count("unavailable") << " without a reply, " << count("") << " without a look-up\n";
  EXPECT_GT(count("hit"), 20U) << "too few responses came from Nginx for this test";
}

TEST_F(Consistency, adds_a_cache_entry_at_the_first_read_and_uses_it_at_the_second) {
  do_not_compare_reads();
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
