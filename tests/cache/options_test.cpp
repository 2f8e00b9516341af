#include "cache/options.hpp"

#include <gmock/gmock.h>

#include "cache/address.hpp"

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(MemcachedOptions, are_valid_by_default) {
  EXPECT_THAT(problems(MemcachedOptions{}), IsEmpty());
}

TEST(MemcachedOptions, may_name_no_server_at_all) {
  EXPECT_THAT(problems(MemcachedOptions{.servers = {}}), IsEmpty());
}

TEST(MemcachedOptions, are_all_reported_with_name_value_and_rule) {
  MemcachedOptions options;
  options.connections_max = 0;
  options.connect_timeout = 0ms;
  options.answer_timeout = 11s;
  options.rest_after_failure = -1ms;
  options.entry_ttl = 721h;
  options.lease_ttl = 0s;
  EXPECT_THAT(
      problems(options),
      ElementsAre(AllOf(HasSubstr("connections_max is 0"), HasSubstr("1 to 1000")),
                  HasSubstr("connect_timeout is 0 ms"), HasSubstr("answer_timeout is 11000 ms"),
                  HasSubstr("rest_after_failure is -1 ms"),
                  AllOf(HasSubstr("entry_ttl is 2595600 s"), HasSubstr("1 to 2592000 s")),
                  HasSubstr("lease_ttl is 0 s")));
}

TEST(MemcachedOptions, name_each_server_once) {
  EXPECT_THAT(problems(MemcachedOptions{.servers = {"unix:/run/a", "b:1", "unix:/run/a"}}),
              ElementsAre(HasSubstr("'unix:/run/a': name each server once")));
}

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
