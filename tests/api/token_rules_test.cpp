#include "api/token_rules.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

using namespace std::chrono_literals;

class TokenRules : public testing::Test {
 protected:
  TokenRules() {
    options.token_lifetime = 24h;
    options.token_lifetime_max = 48h;
  }
  ApiOptions options;
  const Instant at = *parse_instant("2026-11-30T12:00:00Z");
};

TEST_F(TokenRules, end_a_token_after_the_usual_lifetime_or_when_the_request_says) {
  EXPECT_EQ(*end_of_token(options, std::nullopt, at), at + 24h);
  EXPECT_EQ(*end_of_token(options, at + 1us, at), at + 1us);
  EXPECT_EQ(*end_of_token(options, at + 48h, at), at + 48h);
}

TEST_F(TokenRules, refuse_the_past_and_more_than_the_longest_lifetime) {
  for (const auto requested : {at, at - 1us, *parse_instant("0001-01-01T00:00:00Z")})
    EXPECT_EQ(end_of_token(options, requested, at).error(), "This must be in the future.");
  for (const auto requested : {at + 48h + 1us, *parse_instant("9999-12-31T23:59:59Z")})
    EXPECT_EQ(end_of_token(options, requested, at).error(),
              "A token is valid until 2026-12-02 at the latest.");
}

TEST_F(TokenRules, give_shops_to_staff_only_and_at_least_one) {
  using enum storage::Role;
  EXPECT_EQ(refuse_shops(staff, std::nullopt), std::nullopt);
  EXPECT_EQ(refuse_shops(admin, std::nullopt), std::nullopt);
  EXPECT_EQ(refuse_shops(staff, {{1, 2}}), std::nullopt);
  EXPECT_NE(refuse_shops(staff, std::vector<std::int64_t>{}), std::nullopt);
  EXPECT_NE(refuse_shops(admin, std::vector<std::int64_t>{}), std::nullopt);
  EXPECT_NE(refuse_shops(admin, {{1}}), std::nullopt);
}

TEST_F(TokenRules, name_the_shops_that_do_not_exist) {
  EXPECT_EQ(explain_unknown({ShopId{7}}), "There is no shop with the id 7.");
  EXPECT_EQ(explain_unknown({ShopId{7}, ShopId{9}}), "There are no shops with the ids 7, 9.");
}

}  // namespace
}  // namespace codasync::api
