#include "cache/options.hpp"

#include <algorithm>

#include "cache/address.hpp"

namespace codasync::cache {

std::vector<std::string> problems_of_servers(const std::vector<std::string>& servers) {
  std::vector<std::string> found;
  for (auto server = servers.begin(); server != servers.end(); ++server) {
    if (const auto at = server->rfind('@'); at != std::string::npos) {
      found.push_back("'" + server->substr(at + 1) +
                      "' has a login, which is not shown; servers with a login (SASL) are not "
                      "supported. Use a server without a login in a private network, or no server");
    } else if (!parse_address(*server)) {
      found.push_back("'" + *server + "' must be unix:/path, host:port or [IPv6]:port");
    } else if (std::find(servers.begin(), server, *server) != server) {
      found.push_back("'" + *server + "' is listed twice; name each server once");
    }
  }
  return found;
}

}  // namespace codasync::cache
