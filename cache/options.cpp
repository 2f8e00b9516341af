#include "cache/options.hpp"

#include <algorithm>

#include "cache/address.hpp"

namespace codasync::cache {
namespace {

using namespace std::chrono_literals;

void check(std::vector<std::string>& found, bool fine, std::string name, std::string value,
           const std::string& rule) {
  if (!fine) found.push_back(std::move(name) + " is " + std::move(value) + ": " + rule + ".");
}

void check_milliseconds(std::vector<std::string>& found, const char* name,
                        std::chrono::milliseconds value, std::chrono::milliseconds min,
                        std::chrono::milliseconds max) {
  check(found, min <= value && value <= max, name, std::to_string(value.count()) + " ms",
        "use " + std::to_string(min.count()) + " to " + std::to_string(max.count()) + " ms");
}

void check_seconds(std::vector<std::string>& found, const char* name, std::chrono::seconds value,
                   std::chrono::seconds max) {
  check(found, 1s <= value && value <= max, name, std::to_string(value.count()) + " s",
        "use 1 to " + std::to_string(max.count()) + " s");
}

}  // namespace

std::vector<std::string> problems(const MemcachedOptions& options) {
  std::vector<std::string> found;
  for (auto server = options.servers.begin(); server != options.servers.end(); ++server) {
    if (const auto at = server->rfind('@'); at != std::string::npos) {
      found.push_back("memcached.servers has a login, which is not shown, before '" +
                      server->substr(at + 1) +
                      "': servers with a login (SASL) are not supported. Use a server without a "
                      "login in a private network, or no server.");
      continue;
    }
    check(found, parse_address(*server).has_value(), "memcached.servers", "'" + *server + "'",
          "use unix:/path, host:port or [IPv6]:port");
    check(found, std::find(options.servers.begin(), server, *server) == server, "memcached.servers",
          "'" + *server + "'", "name each server once");
  }
  check(found, 1 <= options.connections_max && options.connections_max <= 1000,
        "memcached.connections_max", std::to_string(options.connections_max), "use 1 to 1000");
  check_milliseconds(found, "memcached.connect_timeout", options.connect_timeout, 1ms, 10s);
  check_milliseconds(found, "memcached.answer_timeout", options.answer_timeout, 1ms, 10s);
  check_milliseconds(found, "memcached.rest_after_failure", options.rest_after_failure, 0ms, 60s);
  check_seconds(found, "memcached.entry_ttl", options.entry_ttl, 720h);
  check_seconds(found, "memcached.lease_ttl", options.lease_ttl, 60s);
  return found;
}

}  // namespace codasync::cache
