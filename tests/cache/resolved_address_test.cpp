#include "cache/resolved_address.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "cache/connection.hpp"
#include "cache/text_connection.hpp"

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;

Address address(const std::string& host) { return *parse_address(host + ":11211"); }

MemcachedOptions with(const std::string& host) {
  MemcachedOptions options;
  options.servers = {host + ":11211", "unix:/nowhere"};
  return options;
}

TEST(ResolvedAddress, of_digits_needs_no_resolution) {
  EXPECT_EQ(resolved(address("127.0.0.1"))->host, "127.0.0.1");
  EXPECT_EQ(resolved(address("[::1]"))->host, "::1");
}

TEST(ResolvedAddress, of_a_name_exists_after_its_resolution_and_is_that_of_ipv4) {
  EXPECT_FALSE(resolved(address("localhost")));
  resolve_names(with("localhost"));
  EXPECT_EQ(resolved(address("localhost"))->host, "127.0.0.1");
  resolve_names(with("localhost"));
  EXPECT_EQ(resolved(address("localhost"))->host, "127.0.0.1");
}

TEST(ResolvedAddress, is_missing_for_a_name_that_does_not_exist) {
  resolve_names(with("no-such-host.invalid"));
  EXPECT_FALSE(resolved(address("no-such-host.invalid")));
}

TEST(ResolvedAddress, is_no_response_as_long_as_it_is_missing_and_nothing_waits_for_it) {
  const auto unknown = address("never-resolved.invalid");
  const auto start = std::chrono::steady_clock::now();
  try {
    connect_to(unknown, 100ms);
    FAIL();
  } catch (const TextFailure& failure) {
    EXPECT_EQ(failure.reason(), Unreachable::no_response);
  }
  EXPECT_THROW(Connection(unknown, with("never-resolved.invalid")), TextFailure);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
}

}  // namespace
}  // namespace codasync::cache
