#pragma once

namespace codasync::cache {

/// Why a Memcached server did not acknowledge a command.
enum class Unreachable {
  refused,      // it refused the connection: the process has ended, and its memory is lost
  no_response,  // no reply in time, or not a valid one: its entries may become readable again
};

}  // namespace codasync::cache
