#pragma once

#include <cstddef>
#include <string>

#include "cache/options.hpp"

namespace codasync::cache {

/// Asks one server, on a connection of its own, within connect_timeout and answer_timeout.
/// Requires: problems(options) is empty. Returns: its version, as 1.6.18. Throws: Unavailable.
std::string server_version(const MemcachedOptions& options, std::size_t slot);

}  // namespace codasync::cache
