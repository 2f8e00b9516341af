#include "api/stored_answer.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/malformed_answers.hpp"

namespace codasync::api {
namespace {

TEST(StoredAnswer, comes_back_as_it_was) {
  const Response response{200,
                          {{"Content-Type", "application/json"}, {"ETag", "\"3-1\""}},
                          "{\"a\": \"x\\r\\n\\r\\ny: z\"}"};
  const auto again = from_stored(to_stored(response));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status, 200);
  EXPECT_EQ(again->body, response.body);
  ASSERT_EQ(again->headers.size(), 2U);
  EXPECT_EQ(again->headers[1].name, "ETag");
  EXPECT_EQ(again->headers[1].value, "\"3-1\"");
}

TEST(StoredAnswer, is_an_http_answer_that_nginx_can_send) {
  EXPECT_EQ(to_stored({200, {{"ETag", "\"1\""}}, "{}"}),
            "HTTP/1.1 200 OK\r\nETag: \"1\"\r\n\r\n{}");
}

const std::string kBody = R"({"GTIN":"4006381333931","name":"Highlighter"})";
const std::string kAnswer = to_stored(
    {200,
     {{"Content-Type", "application/json"}, {"ETag", "\"17\""}, {"Cache-Control", "no-cache"}},
     kBody});

/// What is accepted has exactly the form that is stored.
void is_refused_or_of_the_stored_form(const std::string& bytes) {
  const auto answer = from_stored(bytes);
  if (!answer) return;
  EXPECT_EQ(to_stored(*answer), bytes);
  EXPECT_FALSE(answer->body.empty());
  for (const auto& [name, value] : answer->headers) {
    for (const auto& text : {name, value}) {
      EXPECT_FALSE(text.empty());
      for (const char c : text) EXPECT_FALSE((c >= '\0' && c < ' ') || c == '\x7f');
    }
  }
}

TEST(StoredAnswer, is_nothing_where_the_bytes_are_malformed) {
  for (const auto& value : test::malformed_answers()) {
    EXPECT_FALSE(from_stored(value)) << testing::PrintToString(value);
  }
}

TEST(StoredAnswer, cut_anywhere_before_its_body_is_nothing) {
  for (std::size_t size = 0; size <= kAnswer.size(); ++size) {
    const auto cut = kAnswer.substr(0, size);
    EXPECT_EQ(from_stored(cut).has_value(), size > kAnswer.size() - kBody.size()) << cut;
    is_refused_or_of_the_stored_form(cut);
  }
}

TEST(StoredAnswer, with_any_bit_flipped_is_nothing_or_of_the_stored_form) {
  for (std::size_t at = 0; at < kAnswer.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto flipped = kAnswer;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      is_refused_or_of_the_stored_form(flipped);
    }
  }
}

TEST(StoredAnswer, of_random_pieces_is_nothing_or_of_the_stored_form) {
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
    is_refused_or_of_the_stored_form(value);
  }
}

}  // namespace
}  // namespace codasync::api
