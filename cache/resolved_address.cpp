#include "cache/resolved_address.hpp"

#include <netdb.h>

#include <array>
#include <cassert>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "storage/mutex.hpp"

namespace codasync::cache {
namespace {

/// Resolves a name; with AI_NUMERICHOST in `flags` only digits. Returns: nothing when that is not
/// possible now.
std::optional<ResolvedAddress> look_up(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses{found, &freeaddrinfo};
  const addrinfo* chosen = found;
  for (const auto* each = found; each != nullptr && chosen->ai_family != AF_INET;
       each = each->ai_next) {
    if (each->ai_family == AF_INET) chosen = each;
  }
  ResolvedAddress result{{}, chosen->ai_addrlen, {}};
  std::memcpy(&result.bytes, chosen->ai_addr, chosen->ai_addrlen);
  std::array<char, NI_MAXHOST> digits{};
  if (getnameinfo(chosen->ai_addr, chosen->ai_addrlen, digits.data(), digits.size(), nullptr, 0,
                  NI_NUMERICHOST) != 0)
    return std::nullopt;
  result.host = digits.data();
  return result;
}

/// The names that this process has resolved.
class Names {
 public:
  std::optional<ResolvedAddress> find(const Address& address) const {
    const MutexLock hold{mutex_};
    const auto found = names_.find({address.host, address.port});
    return found == names_.end() ? std::nullopt : std::optional{found->second};
  }
  void add(const Address& address, const ResolvedAddress& resolved) {
    const MutexLock hold{mutex_};
    names_.emplace(std::pair{address.host, address.port}, resolved);  // the first one counts
  }

 private:
  mutable Mutex mutex_;
  std::map<std::pair<std::string, std::uint16_t>, ResolvedAddress> names_
      CODASYNC_GUARDED_BY(mutex_);
};

Names& names() {
  static Names all;
  return all;
}

}  // namespace

void resolve_names(const MemcachedOptions& options) {
  for (const auto& text : options.servers) {
    const auto address = parse_address(text);
    assert(address);
    if (address->local_socket() || resolved(*address)) continue;
    if (const auto found = look_up(address->host, address->port, 0)) names().add(*address, *found);
  }
}

std::optional<ResolvedAddress> resolved(const Address& address) {
  assert(!address.local_socket());
  if (auto digits = look_up(address.host, address.port, AI_NUMERICHOST)) return digits;
  return names().find(address);
}

}  // namespace codasync::cache
