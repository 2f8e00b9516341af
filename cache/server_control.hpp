#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "cache/options.hpp"
#include "cache/unreachable.hpp"

namespace codasync::cache {

/// The commands of the slot keeper to the Memcached servers. Each command opens its own connection
/// and returns within connect_timeout and answer_timeout.
class ServerControl {
 public:
  virtual ~ServerControl() = default;

  [[nodiscard]] virtual std::size_t count() const = 0;

  /// Resolves the names that could not be resolved yet. Blocks as long as resolv.conf allows.
  virtual void resolve() = 0;

  /// Sends a deletion that has no effect. Returns: nothing when it was acknowledged.
  virtual std::optional<Unreachable> probe(std::size_t slot) = 0;

  /// Removes all entries, and stores the identity. Returns: nothing when both were acknowledged.
  virtual std::optional<Unreachable> flush(std::size_t slot, const std::string& identity) = 0;

  /// Which process responds at the address of a slot.
  enum class Identified {
    expected,   // the one with this identity
    restarted,  // another one; the expected process has ended or lost its identity
    unknown,    // another one; this process had no connection to the expected one
    another,    // another one although the expected one still runs, or one of another slot
  };
  /// Returns: no response counts as another process.
  virtual Identified identify(std::size_t slot, const std::string& identity) = 0;

  /// Returns: whether a process with this identity runs, as far as a connection of this one shows.
  virtual bool still_runs(std::size_t slot, const std::string& identity) = 0;
};

/// Resolves the names of the servers first. Requires: the options are valid.
std::unique_ptr<ServerControl> make_server_control(const MemcachedOptions& options);

}  // namespace codasync::cache
