#pragma once

#include <cstddef>
#include <memory>

#include "cache/options.hpp"

namespace codasync::cache {

/// What a Memcached server did when it was asked for something.
enum class NodeReply {
  done,
  gone,    // nobody listens there: the process has ended, and its memory with it
  silent,  // no answer in time, or none that makes sense: what it holds may come back
};

/// The Memcached servers as the keeper of the slots needs them. Each call makes a connection of its
/// own and returns within connect_timeout and answer_timeout.
class Nodes {
 public:
  virtual ~Nodes() = default;

  [[nodiscard]] virtual std::size_t count() const = 0;

  /// Returns: done when it acknowledges deletions.
  virtual NodeReply ask(std::size_t slot) = 0;

  /// Empties it. Returns: done when it has acknowledged that.
  virtual NodeReply empty(std::size_t slot) = 0;
};

/// Requires: problems(options) is empty.
std::unique_ptr<Nodes> make_nodes(const MemcachedOptions& options);

}  // namespace codasync::cache
