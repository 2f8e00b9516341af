#include "api/token_uses.hpp"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

namespace codasync::api {
namespace {

using namespace std::chrono_literals;
using Tokens = std::vector<TokenId>;

TEST(TokenUses, are_stored_after_a_while) {
  Log log{{.level = LogLevel::error}};
  std::promise<Tokens> stored;
  TokenUses uses{[&](const Tokens& tokens) { stored.set_value(tokens); }, log, 10ms};
  uses.note(TokenId{2});
  EXPECT_EQ(stored.get_future().get(), Tokens{TokenId{2}});
}

TEST(TokenUses, of_the_last_interval_are_stored_at_the_end_each_token_once) {
  Log log{{.level = LogLevel::error}};
  std::vector<Tokens> stored;
  {
    TokenUses uses{[&](const Tokens& tokens) { stored.push_back(tokens); }, log, 1h};
    for (const auto id : {2, 1, 2}) uses.note(TokenId{id});
  }
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0], (Tokens{TokenId{1}, TokenId{2}}));
}

TEST(TokenUses, without_any_cause_no_write) {
  Log log{{.level = LogLevel::error}};
  int writes = 0;
  {
    TokenUses uses{[&](const Tokens&) { ++writes; }, log, 1ms};
  }
  EXPECT_EQ(writes, 0);
}

TEST(TokenUses, that_could_not_be_stored_are_stored_with_the_next_ones) {
  Log log{{.level = LogLevel::error}};
  std::promise<void> failed;
  std::vector<Tokens> stored;
  {
    TokenUses uses{[&](const Tokens& tokens) {
                     if (stored.empty()) {
                       stored.push_back({});
                       failed.set_value();
                       throw std::runtime_error{"the database is down"};
                     }
                     stored.push_back(tokens);
                   },
                   log, 1ms};
    uses.note(TokenId{1});
    failed.get_future().wait();
  }
  EXPECT_EQ(stored.back(), Tokens{TokenId{1}});
}

}  // namespace
}  // namespace codasync::api
