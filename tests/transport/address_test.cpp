#include <gtest/gtest.h>

#include "api/transport/options.hpp"

namespace codasync::api::transport {
namespace {

TEST(ListenAddress, is_a_unix_socket_or_a_numeric_address_with_a_port) {
  for (const char* address : {"8080", "localhost:80", "1.2.3.4:65536", "1.2.3.4:", "[::1:80",
                              "unix:relative", "unix:", ""}) {
    EXPECT_TRUE(problem_of_address(address)) << address;
  }
  for (const char* address : {"0.0.0.0:80", "[::1]:0", "unix:/run/codasync/http.sock"}) {
    EXPECT_FALSE(problem_of_address(address)) << address;
  }
}

TEST(ListenAddress, has_a_path_that_fits_into_a_socket_address) {
  EXPECT_NE(problem_of_address("unix:/" + std::string(120, 'x'))->find("at most"),
            std::string::npos);
}

}  // namespace
}  // namespace codasync::api::transport
