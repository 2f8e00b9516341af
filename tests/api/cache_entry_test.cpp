#include "api/cache_entry.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/malformed_answers.hpp"

namespace codasync::api {
namespace {

TEST(CacheEntry, is_read_as_the_response_that_was_stored) {
  const Response response{200,
                          {{"Content-Type", "application/json"}, {"ETag", "\"3-1\""}},
                          "{\"a\": \"x\\r\\n\\r\\ny: z\"}"};
  const auto read = from_cache_entry(to_cache_entry(response));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status, 200);
  EXPECT_EQ(read->body, response.body);
  ASSERT_EQ(read->headers.size(), 2U);
  EXPECT_EQ(read->headers[1].name, "ETag");
  EXPECT_EQ(read->headers[1].value, "\"3-1\"");
}

TEST(CacheEntry, is_an_http_response_that_nginx_can_send) {
  EXPECT_EQ(to_cache_entry({200, {{"ETag", "\"1\""}}, "{}"}),
            "HTTP/1.1 200 OK\r\nETag: \"1\"\r\n\r\n{}");
}

const std::string kBody = R"({"GTIN":"4006381333931","name":"Highlighter"})";
const std::string kEntry = to_cache_entry(
    {200,
     {{"Content-Type", "application/json"}, {"ETag", "\"17\""}, {"Cache-Control", "no-cache"}},
     kBody});

/// Expects that an accepted entry has exactly the form of to_cache_entry().
void expect_refused_or_of_the_stored_form(const std::string& bytes) {
  const auto response = from_cache_entry(bytes);
  if (!response) return;
  EXPECT_EQ(to_cache_entry(*response), bytes);
  EXPECT_FALSE(response->body.empty());
  for (const auto& [name, value] : response->headers) {
    for (const auto& text : {name, value}) {
      EXPECT_FALSE(text.empty());
      for (const char c : text) EXPECT_FALSE((c >= '\0' && c < ' ') || c == '\x7f');
    }
  }
}

TEST(CacheEntry, that_is_malformed_is_refused) {
  for (const auto& value : test::malformed_answers()) {
    EXPECT_FALSE(from_cache_entry(value)) << testing::PrintToString(value);
  }
}

TEST(CacheEntry, that_is_cut_before_its_body_is_refused) {
  for (std::size_t size = 0; size <= kEntry.size(); ++size) {
    const auto cut = kEntry.substr(0, size);
    EXPECT_EQ(from_cache_entry(cut).has_value(), size > kEntry.size() - kBody.size()) << cut;
    expect_refused_or_of_the_stored_form(cut);
  }
}

TEST(CacheEntry, with_a_flipped_bit_is_refused_or_still_has_the_stored_form) {
  for (std::size_t at = 0; at < kEntry.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto flipped = kEntry;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      expect_refused_or_of_the_stored_form(flipped);
    }
  }
}

TEST(CacheEntry, of_random_pieces_is_refused_or_has_the_stored_form) {
  const std::vector<std::string> pieces{"HTTP/1.1 200 OK\r\n",
                                        "\r\n",
                                        "\r",
                                        "\n",
                                        "A: b\r\n",
                                        "ETag: \"1\"\r\n",
                                        ": ",
                                        "EN\r\n",
                                        std::string(1, '\0'),
                                        "x",
                                        "Date: x\r\n"};
  const auto seed = std::random_device{}();
  std::minstd_rand random{seed};
  SCOPED_TRACE(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string value = i % 2 == 0 ? pieces[0] : "";
    for (auto left = random() % 9; left > 0; --left) value += pieces[random() % pieces.size()];
    expect_refused_or_of_the_stored_form(value);
  }
}

}  // namespace
}  // namespace codasync::api
