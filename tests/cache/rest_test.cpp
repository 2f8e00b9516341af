#include "cache/rest.hpp"

#include <gtest/gtest.h>

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;

const Rest::Clock::time_point kStart{1h};

TEST(Rest, lets_everybody_through_while_all_is_well) {
  Rest rest{500ms};
  EXPECT_TRUE(rest.well());
  EXPECT_TRUE(rest.may_try(kStart));
  EXPECT_TRUE(rest.may_try(kStart));
}

TEST(Rest, keeps_everybody_out_after_a_failure) {
  Rest rest{500ms};
  rest.failed(kStart);
  EXPECT_FALSE(rest.well());
  EXPECT_FALSE(rest.may_try(kStart + 499ms));
}

TEST(Rest, lets_one_probe_through_afterwards) {
  Rest rest{500ms};
  rest.failed(kStart);
  EXPECT_TRUE(rest.may_try(kStart + 500ms));
  EXPECT_FALSE(rest.may_try(kStart + 500ms));
  EXPECT_FALSE(rest.may_try(kStart + 999ms));
  EXPECT_TRUE(rest.may_try(kStart + 1000ms)) << "a probe that never came back blocks nobody";
}

TEST(Rest, ends_with_a_success) {
  Rest rest{500ms};
  rest.failed(kStart);
  rest.succeeded();
  EXPECT_TRUE(rest.well());
  EXPECT_TRUE(rest.may_try(kStart));
}

}  // namespace
}  // namespace codasync::cache
