#include "api/gathered_reads.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <deque>
#include <set>
#include <variant>

#include "tests/api/fakes.hpp"

namespace codasync::api {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

/// Notes which rows are to be cached.
class RecordingCache final : public test::FakeCache {
 public:
  using FakeCache::FakeCache;
  std::set<std::string> cached;  // keys of the last read

  cache::ReadPath read_page(std::span<const cache::PageRow> rows,
                            cache::PageSource& source) override {
    cached.clear();
    for (const auto& row : rows) {
      if (row.cached) cached.insert(row.key.text);
    }
    return FakeCache::read_page(rows, source);
  }
};

class GatheredReadsTest : public testing::Test {
 protected:
  /// Reads shops together, each once.
  void read(std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> ids;
    for (auto id = first; id <= last; ++id) ids.push_back(id);
    read(ids);
  }
  void read(const std::vector<std::int64_t>& ids) {
    std::deque<Arguments> paths;
    std::vector<GatheredRead> reads;
    answers = 0;
    std::deque<cache::Admission::Miss> misses;
    for (const auto id : ids) {
      misses.emplace_back(admission);
      paths.push_back({.id = id});
      reads.push_back({&shop(), &paths.back(), [this](const std::optional<Result>& result) {
                         if (result) ++answers;
                       }});
    }
    read_together(cache, admission, reads);
    EXPECT_EQ(answers, ids.size());
  }

  static const ReadOne& shop() {
    for (const auto& route : routes()) {
      const auto* action = std::get_if<ReadOne>(&route.action);
      if (action != nullptr && std::string{route.pattern} == "/api/v1/shops/{id}") return *action;
    }
    throw std::logic_error{"no route of a shop"};
  }

  test::FakeRows rows;
  test::FakeDatabase database{rows};
  RecordingCache cache{database};
  cache::Admission admission;
  std::size_t answers{0};
};

TEST_F(GatheredReadsTest, few_misses_of_one_moment_are_all_stored) {
  read(1, 1);
  EXPECT_THAT(cache.cached, SizeIs(1));
  read(2, 17);
  EXPECT_THAT(cache.cached, SizeIs(16));
}

TEST_F(GatheredReadsTest, many_misses_of_one_moment_are_stored_at_their_second_miss) {
  read(1, 20);
  EXPECT_THAT(cache.cached, IsEmpty());
  read(11, 30);
  EXPECT_THAT(cache.cached, SizeIs(10)) << "those from 11 to 20 were missed before";
  read(1, 30);
  EXPECT_THAT(cache.cached, SizeIs(30));
}

TEST_F(GatheredReadsTest, few_misses_beside_many_others_are_stored_at_their_second_miss_too) {
  std::deque<cache::Admission::Miss> others;
  for (int i = 0; i < 20; ++i) others.emplace_back(admission);
  read(1, 2);
  EXPECT_THAT(cache.cached, IsEmpty());
  read(1, 2);
  EXPECT_THAT(cache.cached, SizeIs(2));
}

TEST_F(GatheredReadsTest, what_several_clients_read_in_one_moment_is_stored) {
  std::vector<std::int64_t> ids{7};
  for (std::int64_t id = 1; id <= 20; ++id) ids.push_back(id);
  read(ids);
  EXPECT_THAT(cache.cached, SizeIs(1)) << "the one that two clients read";
}

TEST_F(GatheredReadsTest, a_key_that_was_missed_alone_counts_as_missed_before) {
  read(5, 5);
  read(1, 20);
  EXPECT_THAT(cache.cached, SizeIs(1));
}

}  // namespace
}  // namespace codasync::api
