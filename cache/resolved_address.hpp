#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <string>

#include "cache/address.hpp"
#include "cache/options.hpp"

namespace codasync::cache {

/// Where a server with a host name is: the first address of the name, of IPv4 if there is one.
/// Nginx chooses the same.
struct ResolvedAddress {
  sockaddr_storage bytes;
  socklen_t size;
  std::string host;  // the address as digits
};

// A host name is resolved once in a process, and Nginx does the same: a name that moves to another
// machine must not lead deletions to another server than the one that is read. The resolution can
// take as long as resolv.conf allows, so it is never done by a thread that holds locks or runs an
// event loop. Threads: safe concurrently.

/// Resolves the names of these servers that are not resolved yet. Blocks.
void resolve_names(const MemcachedOptions& options);

/// Returns: the address, or nothing as long as the name was not resolved. Never blocks.
/// Requires: not a Unix socket.
std::optional<ResolvedAddress> resolved(const Address& address);

}  // namespace codasync::cache
