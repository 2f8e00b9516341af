#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/transport/server.hpp"

namespace codasync::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

TEST(ServerOptions, have_valid_defaults) { EXPECT_THAT(problems(ServerOptions{}), IsEmpty()); }

TEST(ServerOptions, name_each_setting_outside_its_range_with_its_rule) {
  ServerOptions options;
  options.workers = 0;
  options.request_bytes_max = 100;
  options.idle_timeout = -1ms;
  EXPECT_THAT(
      problems(options),
      ElementsAre("server.workers is 0: it must be 1 to 64.",
                  HasSubstr("server.request_bytes_max is 100: it must be 4096 to 100000000."),
                  HasSubstr("server.idle_timeout is -1 ms: it must be 1 to 3600000 ms.")));
}

TEST(ServerOptions, refuse_invalid_addresses) {
  for (const char* address : {"8080", "localhost:80", "1.2.3.4:65536", "1.2.3.4:", "[::1:80",
                              "unix:relative", "unix:", ""}) {
    ServerOptions options;
    options.listen = {address};
    EXPECT_THAT(problems(options), testing::SizeIs(1)) << address;
  }
  ServerOptions options;
  options.listen = {"0.0.0.0:80", "[::1]:0", "unix:/run/codasync/http.sock"};
  EXPECT_THAT(problems(options), IsEmpty());
  options.listen = {"unix:/" + std::string(120, 'x')};
  EXPECT_THAT(problems(options), ElementsAre(HasSubstr("at most")));
  options.listen.clear();
  EXPECT_THAT(problems(options), ElementsAre(HasSubstr("empty")));
}

}  // namespace
}  // namespace codasync::api
