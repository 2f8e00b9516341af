#include "api/stored_answer.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

TEST(StoredAnswer, comes_back_as_it_was) {
  const Response response{200,
                          {{"Content-Type", "application/json"}, {"ETag", "\"3-1\""}},
                          "{\"a\": \"x\\r\\n\\r\\ny: z\"}"};
  const auto again = from_stored(to_stored(response));
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, response.body);
  ASSERT_EQ(again.headers.size(), 2U);
  EXPECT_EQ(again.headers[1].name, "ETag");
  EXPECT_EQ(again.headers[1].value, "\"3-1\"");
}

TEST(StoredAnswer, is_an_http_answer_that_nginx_can_send) {
  EXPECT_EQ(to_stored({200, {{"ETag", "\"1\""}}, "{}"}),
            "HTTP/1.1 200 OK\r\nETag: \"1\"\r\n\r\n{}");
}

}  // namespace
}  // namespace codasync::api
