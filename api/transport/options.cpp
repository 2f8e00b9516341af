#include <type_traits>

#include "api/transport/listener.hpp"
#include "api/transport/server.hpp"

namespace codasync::api {
namespace {

using namespace std::chrono_literals;

template <typename Number>
void expect_range(std::vector<std::string>& found, const char* name, Number value,
                  std::type_identity_t<Number> lowest, std::type_identity_t<Number> highest,
                  const char* unit = "") {
  if (value >= lowest && value <= highest) return;
  found.push_back(std::string{"server."} + name + " is " + std::to_string(value) + unit +
                  ": it must be " + std::to_string(lowest) + " to " + std::to_string(highest) +
                  unit + ".");
}

void expect_range(std::vector<std::string>& found, const char* name,
                  std::chrono::milliseconds value, std::chrono::milliseconds highest) {
  expect_range(found, name, value.count(), 1, highest.count(), " ms");
}

}  // namespace

std::vector<std::string> problems(const ServerOptions& options) {
  std::vector<std::string> found;
  if (options.listen.empty()) {
    found.emplace_back("server.listen is empty: it must name at least one address.");
  }
  for (const auto& address : options.listen) {
    if (const auto problem = transport::problem_of_address(address)) {
      found.push_back("server.listen has '" + address + "': " + *problem);
    }
  }
  expect_range(found, "workers", options.workers, 1, 64);
  expect_range(found, "connections_max", options.connections_max, 1, 1'000'000);
  expect_range(found, "request_bytes_max", options.request_bytes_max, 4096, 100'000'000);
  expect_range(found, "request_timeout", options.request_timeout, 10min);
  expect_range(found, "idle_timeout", options.idle_timeout, 1h);
  expect_range(found, "write_timeout", options.write_timeout, 10min);
  return found;
}

}  // namespace codasync::api
