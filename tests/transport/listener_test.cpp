#include "api/transport/listener.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <vector>

#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

using api::transport::IfInUse;
using api::transport::Listener;

class Sockets : public testing::Test {
 protected:
  Sockets() { std::filesystem::create_directories(directory_); }
  ~Sockets() override { std::filesystem::remove_all(directory_); }

  api::ServerOptions on_path() {
    auto options = Service::small();
    options.listen = {"unix:" + path_.string()};
    return options;
  }

  api::ServerOptions taking_over() {
    auto options = on_path();
    options.take_over = true;
    return options;
  }

  std::string response_of(const std::string& address) {
    Client client{address};
    client.send_get("/now/x");
    const auto received = client.receive();
    return received ? received->body : "none";
  }

  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator{directory_}, {});
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("codasync-transport-" + std::to_string(::getpid()));
  std::filesystem::path path_ = directory_ / "http.sock";
};

TEST_F(Sockets, of_several_kinds_serve_together) {
  auto options = on_path();
  options.listen.emplace_back("127.0.0.1:0");
  Service service{options};
  ASSERT_EQ(service.server().addresses().size(), 2U);
  for (const auto& address : service.server().addresses()) EXPECT_EQ(response_of(address), "x");
}

TEST_F(Sockets, may_be_used_by_all_users_who_can_enter_the_directory) {
  Service service{on_path()};
  struct stat there {};
  ASSERT_EQ(::stat(path_.c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777U, 0666U);
}

TEST_F(Sockets, start_and_stop_repeatedly) {
  for (int i = 0; i < 20; ++i) {
    Service service{on_path()};
    EXPECT_EQ(response_of(service.address()), "x");
    EXPECT_TRUE(service.server().drain(std::chrono::seconds{10}));
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
}

TEST_F(Sockets, are_taken_over_by_a_successor_that_keeps_the_path) {
  auto old = std::make_unique<Service>(on_path());
  Service successor{taking_over()};
  EXPECT_TRUE(old->server().drain(std::chrono::seconds{10}));
  EXPECT_EQ(response_of(successor.address()), "x");
  old.reset();
  EXPECT_EQ(response_of(successor.address()), "x")
      << "the old server removed its successor's socket";
}

TEST_F(Sockets, are_not_taken_over_without_the_option) {
  Service old{on_path()};
  try {
    const Service second{on_path()};
    FAIL() << "a second server took the address over";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::address_in_use);
    EXPECT_NE(std::string{error.what()}.find(path_.string()), std::string::npos) << error.what();
    EXPECT_NE(std::string{error.what()}.find("--take-over"), std::string::npos) << error.what();
  }
  EXPECT_EQ(response_of(old.address()), "x");
  EXPECT_EQ(files(), 1) << "a file of the second server is left";
}

TEST_F(Sockets, replace_the_socket_of_a_killed_process) {
  {
    const Listener crashed{"unix:" + path_.string()};
    std::filesystem::create_hard_link(path_, directory_ / "kept");
  }
  std::filesystem::rename(directory_ / "kept", path_);
  Service service{on_path()};
  EXPECT_EQ(response_of(service.address()), "x");
}

TEST_F(Sockets, replace_one_whose_process_no_longer_listens) {
  const Listener draining{"unix:" + path_.string()};
  draining.refuse_more();
  Service service{on_path()};
  EXPECT_EQ(response_of(service.address()), "x");
}

TEST_F(Sockets, of_a_process_with_a_full_queue_are_live) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path_.string().copy(name.sun_path, sizeof name.sun_path - 1);
  const auto* address = reinterpret_cast<const sockaddr*>(&name);
  const UniqueFd busy{::socket(AF_UNIX, SOCK_STREAM, 0)};
  ASSERT_EQ(::bind(busy.get(), address, sizeof name), 0);
  ASSERT_EQ(::listen(busy.get(), 1), 0);
  std::vector<UniqueFd> clients;
  bool full{false};
  while (!full && clients.size() < 10) {
    clients.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    full = ::connect(clients.back().get(), address, sizeof name) != 0;
  }
  ASSERT_TRUE(full);
  EXPECT_THROW(Listener{"unix:" + path_.string()}, std::system_error);
}

TEST_F(Sockets, never_replace_a_file) {
  std::ofstream{path_} << "content";
  for (const auto if_in_use : {IfInUse::fail, IfInUse::take_over}) {
    EXPECT_THROW((Listener{"unix:" + path_.string(), if_in_use}), std::system_error);
    EXPECT_TRUE(std::filesystem::is_regular_file(path_));
  }
}

TEST_F(Sockets, never_replace_a_socket_of_another_user) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a file of another user";
  const Listener other{"unix:" + path_.string()};
  constexpr uid_t kOtherUser = 65'534;
  ASSERT_EQ(::chown(path_.c_str(), kOtherUser, static_cast<gid_t>(-1)), 0);
  for (const auto if_in_use : {IfInUse::fail, IfInUse::take_over}) {
    EXPECT_THROW((Listener{"unix:" + path_.string(), if_in_use}), std::system_error);
  }
  EXPECT_NO_THROW(Client{"unix:" + path_.string()});
}

TEST_F(Sockets, name_the_address_that_is_in_use) {
  Service service;
  try {
    const Listener second{service.address()};
    FAIL() << "bound twice";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find(service.address()), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace codasync::test
