#include "cache/admission.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace codasync::cache {
namespace {

constexpr std::size_t kMany = 100;

std::string key(int number) { return "coda1:/api/v1/shops/" + std::to_string(number); }

TEST(AdmissionTest, admits_each_of_few_misses) {
  Admission admission;
  Admission::Batch batch{admission, 16};
  EXPECT_TRUE(batch.admits(key(1)));
  EXPECT_TRUE(batch.admits(key(2)));
}

TEST(AdmissionTest, admits_of_many_misses_those_with_a_known_key) {
  Admission admission;
  Admission::Batch batch{admission, kMany};
  EXPECT_FALSE(batch.admits(key(1)));
  EXPECT_FALSE(batch.admits(key(2)));
  EXPECT_TRUE(batch.admits(key(1)));
  EXPECT_TRUE(batch.admits(key(1)));
  EXPECT_TRUE(batch.admits(key(2)));
}

TEST(AdmissionTest, counts_the_misses_of_all_batches_until_they_end) {
  Admission admission;
  {
    const Admission::Batch others{admission, kMany};
    Admission::Batch batch{admission, 1};
    EXPECT_FALSE(batch.admits(key(1)));
  }
  Admission::Batch batch{admission, 1};
  EXPECT_TRUE(batch.admits(key(2)));
}

TEST(AdmissionTest, does_not_count_misses_that_are_answered) {
  Admission admission;
  Admission::Batch others{admission, 16};
  others.answered(15);
  Admission::Batch batch{admission, 15};
  EXPECT_TRUE(batch.admits(key(1)));
  Admission::Batch next{admission, 1};
  EXPECT_FALSE(next.admits(key(2)));
}

TEST(AdmissionTest, admits_most_of_100000_keys_again_and_few_after_millions_of_others) {
  Admission admission;
  Admission::Batch batch{admission, kMany};
  const auto known = [&](int count) {
    int found = 0;
    for (int i = 0; i < count; ++i) found += batch.admits(key(i)) ? 1 : 0;
    return found;
  };
  EXPECT_LT(known(100'000), 10) << "two keys with one mark are rare";
  EXPECT_GT(known(100'000), 80'000);
  for (int i = 1'000'000; i < 4'000'000; ++i) std::ignore = batch.admits(key(i));
  EXPECT_LT(known(100'000), 2'000);
}

}  // namespace
}  // namespace codasync::cache
