#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "cache/options.hpp"
#include "cache/unreachable.hpp"

namespace codasync::cache {

/// The commands of the slot keeper to the Memcached servers. Each call opens its own connection and
/// returns within connect_timeout and answer_timeout, after a host name is resolved.
class ServerControl {
 public:
  virtual ~ServerControl() = default;

  [[nodiscard]] virtual std::size_t count() const = 0;

  /// Sends a deletion that has no effect. Returns: nothing when it was acknowledged.
  virtual std::optional<Unreachable> probe(std::size_t slot) = 0;

  /// Removes all entries. Returns: nothing when that was acknowledged.
  virtual std::optional<Unreachable> flush(std::size_t slot) = 0;
};

/// Requires: the options are valid.
std::unique_ptr<ServerControl> make_server_control(const MemcachedOptions& options);

}  // namespace codasync::cache
