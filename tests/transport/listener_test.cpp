#include "api/transport/listener.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "tests/transport/client.hpp"
#include "tests/transport/service.hpp"

namespace codasync::test {
namespace {

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

  std::string answer_of(const std::string& address) {
    Client client{address};
    client.send_get("/now/x");
    const auto received = client.receive();
    return received ? received->body : "none";
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
  for (const auto& address : service.server().addresses()) EXPECT_EQ(answer_of(address), "x");
}

TEST_F(Sockets, may_be_used_by_whoever_may_enter_the_directory) {
  Service service{on_path()};
  struct stat there {};
  ASSERT_EQ(::stat(path_.c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777U, 0666U);
}

TEST_F(Sockets, start_and_stop_again_and_again) {
  for (int i = 0; i < 20; ++i) {
    Service service{on_path()};
    EXPECT_EQ(answer_of(service.address()), "x");
    EXPECT_TRUE(service.server().drain(std::chrono::seconds{10}));
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
}

TEST_F(Sockets, are_taken_over_by_a_successor_that_keeps_the_path) {
  Service old{on_path()};
  Service successor{on_path()};
  EXPECT_TRUE(old.server().drain(std::chrono::seconds{10}));
  EXPECT_EQ(answer_of(successor.address()), "x");
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(Sockets, replace_what_a_killed_process_left) {
  {
    const Listener crashed{"unix:" + path_.string()};
    std::filesystem::create_hard_link(path_, directory_ / "kept");
  }
  std::filesystem::rename(directory_ / "kept", path_);
  Service service{on_path()};
  EXPECT_EQ(answer_of(service.address()), "x");
}

TEST_F(Sockets, never_replace_a_file) {
  std::ofstream{path_} << "precious";
  EXPECT_THROW(Listener{"unix:" + path_.string()}, std::system_error);
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(Sockets, name_the_address_that_is_taken) {
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
