#include "api/transport/http.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

TEST(Serialise, writes_status_headers_length_and_body) {
  EXPECT_EQ(serialise({201, {{"Location", "/v1/x"}}, "abc"}, true),
            "HTTP/1.1 201 Created\r\nLocation: /v1/x\r\nContent-Length: 3\r\n"
            "Connection: keep-alive\r\n\r\nabc");
}

TEST(Serialise, writes_the_length_of_the_body_that_a_head_request_does_not_get) {
  EXPECT_EQ(serialise({200, {}, "abc"}, false, true),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
}

TEST(Serialise, gives_204_and_304_neither_body_nor_length) {
  for (const int status : {204, 304}) {
    const std::string bytes = serialise({status, {}, "ignored"}, true);
    EXPECT_EQ(bytes.find("Content-Length"), std::string::npos) << bytes;
    EXPECT_TRUE(bytes.ends_with("\r\n\r\n")) << bytes;
  }
}

}  // namespace
}  // namespace codasync::api
