#include "cache/admission.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "tests/support/eventually.hpp"

namespace codasync::cache {
namespace {

std::string key(int number) { return "coda1:/api/v1/shops/" + std::to_string(number); }

class AdmissionTest : public testing::Test {
 protected:
  void begin(int misses) {
    for (int i = 0; i < misses; ++i) in_progress.emplace_back(admission);
  }
  /// Returns: how many of the keys are admitted while many misses begin and end.
  int admitted_of_many(int first, int end) {
    begin(100);
    int found = 0;
    for (int i = first; i < end; ++i) {
      const Admission::Miss one{admission};
      found += admission.admits(key(i)) ? 1 : 0;
    }
    in_progress.clear();
    return found;
  }

  Admission admission;
  std::deque<Admission::Miss> in_progress;
};

TEST_F(AdmissionTest, admits_each_of_few_misses) {
  begin(16);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(admission.admits(key(i)));
}

TEST_F(AdmissionTest, admits_of_many_misses_those_with_a_known_key) {
  begin(17);
  EXPECT_FALSE(admission.admits(key(1)));
  EXPECT_FALSE(admission.admits(key(2)));
  EXPECT_TRUE(admission.admits(key(1)));
  EXPECT_TRUE(admission.admits(key(1)));
  EXPECT_TRUE(admission.admits(key(2)));
}

TEST_F(AdmissionTest, admits_each_of_few_misses_again_a_moment_after_many) {
  begin(100);
  EXPECT_FALSE(admission.admits(key(0)));
  in_progress.clear();
  begin(16);
  int next = 1;
  EXPECT_TRUE(test::eventually([&] { return admission.admits(key(next++)); }));
}

TEST_F(AdmissionTest, admits_most_of_100000_keys_again_and_few_after_millions_of_others) {
  EXPECT_LT(admitted_of_many(0, 100'000), 10) << "two keys with one mark are rare";
  EXPECT_GT(admitted_of_many(0, 100'000), 80'000);
  admitted_of_many(1'000'000, 4'000'000);
  EXPECT_LT(admitted_of_many(0, 100'000), 2'000);
}

}  // namespace
}  // namespace codasync::cache
