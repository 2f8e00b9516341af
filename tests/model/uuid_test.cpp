#include "storage/model/uuid.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace codasync {
namespace {

using namespace std::chrono_literals;

TEST(Uuid, version_7_starts_with_the_milliseconds) {
  const auto uuid = Uuid::v7(Instant{1'645'557'742'000ms + 999us});
  const auto text = to_string(uuid);
  EXPECT_EQ(text.substr(0, 13), "017f22e2-79b0") << text;  // the moment of RFC 9562, appendix A.6
  EXPECT_EQ(text[14], '7');
  EXPECT_NE(std::string{"89ab"}.find(text[19]), std::string::npos) << text;
}

TEST(Uuid, version_7_is_in_the_order_of_its_milliseconds) {
  const Instant moment{1'700'000'000'000ms};
  for (int i = 0; i < 100; ++i)
    EXPECT_LT(Uuid::v7(moment + i * 1ms), Uuid::v7(moment + (i + 1) * 1ms));
}

TEST(Uuid, version_7_contains_its_microsecond) {
  for (const auto at : {Instant{}, Instant{1us}, Instant{1'645'557'742'000ms + 999us},
                        Instant{1'700'000'000'123ms}, Instant{4'102'444'799'999ms + 1us}}) {
    EXPECT_EQ(Uuid::v7(at).time(), at);
  }
  for (int us = 0; us < 1000; ++us) {
    const Instant at{1'700'000'000'000ms + us * 1us};
    ASSERT_EQ(Uuid::v7(at).time(), at);
    ASSERT_LT(Uuid::v7(at), Uuid::v7(at + 1us)) << "identifiers are in the order of their times";
  }
  EXPECT_EQ(Uuid::parse("ffffffff-ffff-7fff-bfff-ffffffffffff")->time(), std::nullopt)
      << "after the year 9999";
}

TEST(Uuid, version_8_contains_a_digest_and_no_time) {
  std::array<std::uint8_t, 16> digest{};
  digest.fill(0xFF);
  const auto uuid = Uuid::v8(digest);
  EXPECT_EQ(to_string(uuid), "ffffffff-ffff-8fff-bfff-ffffffffffff");
  EXPECT_EQ(uuid.time(), std::nullopt);
}

TEST(Uuid, is_unique_for_many_threads_in_one_millisecond) {
  constexpr int kThreads = 4;
  constexpr int kEach = 2'000;
  const auto moment = now();
  std::mutex mutex;
  std::set<Uuid> seen;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        const auto uuid = Uuid::v7(moment);
        const std::lock_guard lock{mutex};
        seen.insert(uuid);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(seen.size(), std::size_t{kThreads} * kEach);
}

TEST(Uuid, is_parsed_in_either_case_and_written_in_lower_case) {
  const auto uuid = Uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(to_string(*uuid), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  EXPECT_EQ(Uuid::parse(to_string(*uuid)), uuid);
}

TEST(Uuid, other_texts_are_refused) {
  for (const auto* text :
       {"", "017f22e279b07cc398c4dc0c0c07398f", "{017f22e2-79b0-7cc3-98c4-dc0c0c0739}",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e2079b0-7cc3-98c4-dc0c0c07398f",
        "017f22e-279b0-7cc3-98c4-dc0c0c07398f"}) {
    EXPECT_EQ(Uuid::parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace codasync
