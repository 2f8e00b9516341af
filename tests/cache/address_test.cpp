#include "cache/address.hpp"

#include <gtest/gtest.h>

namespace codasync::cache {
namespace {

TEST(Address, is_a_unix_socket_or_a_host_with_a_port) {
  EXPECT_EQ(parse_address("unix:/run/memcached.sock")->path, "/run/memcached.sock");
  EXPECT_EQ(parse_address("cache-1.shop:11211")->host, "cache-1.shop");
  EXPECT_EQ(parse_address("cache-1.shop:11211")->port, 11211);
  EXPECT_EQ(parse_address("[::1]:65535")->host, "::1");
}

TEST(Address, has_no_other_form) {
  for (const std::string text : {"", "unix:", "unix:relative", "host", "host:", ":1", "host:0",
                                 "host:65536", "host:1x", "host:-1", "::1:11211", "[]:1"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_FALSE(parse_address("unix:/" + std::string(107, 'x')));
}

}  // namespace
}  // namespace codasync::cache
