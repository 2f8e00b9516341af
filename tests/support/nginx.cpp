#include "tests/support/nginx.hpp"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace codasync::test {
namespace {

using namespace std::chrono_literals;

std::string contents(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool listens(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return connected;
}

/// Renders the template. Returns: the path of the configuration.
std::string render(const Nginx::Options& options, const std::string& directory, int port) {
  std::filesystem::copy(options.module, directory);
  std::vector<std::string> command{
      options.source + "/nginx/render",
      "--dir",
      directory,
      "--module",
      directory + "/" + std::filesystem::path{options.module}.filename().string(),
      "--listen",
      "127.0.0.1:" + std::to_string(port),
      "--workers",
      "2",
      "--unlimited",
      "127.0.0.1"};
  for (const auto& service : options.services)
    command.insert(command.end(), {"--service", service});
  for (const auto& slot : options.memcached) command.insert(command.end(), {"--memcached", slot});
  if (!options.key_file.empty()) {
    std::filesystem::copy(options.key_file, directory + "/cache-key");
    command.insert(command.end(), {"--memcached-key-file", directory + "/cache-key"});
  }
  Process rendered{command, {.environment = {}, .log = directory + "/render.log"}};
  if (rendered.wait(60s) != 0)
    throw std::runtime_error{"nginx/render: " + contents(directory + "/render.log")};
  return directory + "/nginx.conf";
}

}  // namespace

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  const bool found = ::bind(socket, raw, size) == 0 && ::getsockname(socket, raw, &size) == 0;
  ::close(socket);
  if (!found) throw std::runtime_error{"no free port"};
  return ntohs(address.sin_port);
}

Nginx::Nginx(const Options& options) : directory_{make_scratch_directory()}, port_{free_port()} {
  const auto configuration = render(options, directory_, port_);
  give_to_servers(directory_);
  Process::Options how;
  if (!options.preload.empty()) {
    const char* sanitizer = std::getenv("ASAN_OPTIONS");
    how.environment = {
        "LD_PRELOAD=" + options.preload,
        "ASAN_OPTIONS=" + std::string{sanitizer ? sanitizer : ""} + ":detect_leaks=0"};
  }
  // SIGTERM also ends its workers.
  process_ = std::make_unique<Process>(
      as_server({"nginx", "-e", directory_ + "/error.log", "-c", configuration}, SIGTERM), how);
  const auto started = [this] { return listens(port_) || process_->poll(); };
  if (!eventually(started, 60s) || process_->poll())
    throw std::runtime_error{"nginx does not start: " + contents(directory_ + "/error.log")};
}

Nginx::~Nginx() {
  stop();
  std::filesystem::remove_all(directory_);
}

std::string Nginx::stop() {
  if (process_) {
    process_->signal(SIGQUIT);
    if (!process_->wait(10s)) process_->signal(SIGTERM);  // a connection is still open
    process_->wait(10s);
    process_.reset();
  }
  return contents(directory_ + "/access.log");
}

}  // namespace codasync::test
