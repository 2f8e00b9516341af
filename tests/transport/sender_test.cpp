#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

constexpr const char* kForwarded =
    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: console.example:8443\r\n";
constexpr const char* kBelieved = "host=console.example:8443\nhttps=yes\n";

std::string seen_at(const std::string& address, const std::string& headers) {
  Client client{address};
  client.send_get("/", headers);
  const auto received = client.receive();
  return received ? received->body : std::string{};
}

TEST(Sender, at_a_unix_socket_is_the_reverse_proxy) {
  std::string folder = std::filesystem::temp_directory_path() / "codasync-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  auto options = Service::small();
  options.listen = {"unix:" + folder + "/socket"};
  {
    const Service service{options};
    EXPECT_NE(seen_at(service.address(), kForwarded).find(kBelieved), std::string::npos);
    EXPECT_NE(seen_at(service.address(), "").find("https=no\n"), std::string::npos);
    EXPECT_NE(seen_at(service.address(), "X-Forwarded-Proto: http\r\n").find("https=no\n"),
              std::string::npos);
  }
  std::filesystem::remove_all(folder);
}

TEST(Sender, over_tcp_is_a_client_unless_the_settings_say_that_only_the_proxy_connects) {
  auto options = Service::small();
  const Service open{options};
  EXPECT_NE(seen_at(open.address(), kForwarded).find("https=no\n"), std::string::npos);
  options.behind_proxy = true;
  const Service behind{options};
  EXPECT_NE(seen_at(behind.address(), kForwarded).find(kBelieved), std::string::npos);
}

}  // namespace
}  // namespace codasync::test
