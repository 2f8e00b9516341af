#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/key.hpp"
#include "cache/options.hpp"
#include "storage/database.hpp"
#include "storage/invalidation.hpp"

namespace codasync::cache {

enum class LookupState { hit, miss, unavailable };

struct Lookup {
  LookupState state;
  std::string bytes;  // empty unless a hit
};

/// How a read was answered: a metric's label.
enum class ReadPath {
  hit,          // from the cache
  filled,       // from the database, and stored
  lease_lost,   // somebody else is filling and did not finish in time: from the database
  lock_busy,    // a writer was in the way: from the database
  unavailable,  // no cache: from the database
};

struct Fetched {
  std::string bytes;
  ReadPath path;
};

/// What to remember: the bytes, or nothing when the answer is not worth an entry (a 404).
struct Produced {
  std::string bytes;
  bool keep{true};
};
using Produce = std::function<Produced(storage::Reader&)>;

/// The cache protocol (cache/README.md): what it returns is never older than what a writer was told.
/// Threads: safe concurrently.
class Cache {
 public:
  virtual ~Cache() = default;

  /// Looks one entry up. A lease placeholder is a miss.
  /// Blocks for one round trip to Memcached, `answer_timeout` at most; never for the database.
  virtual Lookup lookup(const Key& key) = 0;

  /// Returns: the entry, or what `produce` makes of the database, stored under the protocol where that is possible.
  /// `locks` names everything that `produce` reads, with the modes of cache/README.md.
  /// Throws: what the database and `produce` throw; never because of Memcached.
  virtual Fetched read_through(const Key& key, std::span<const storage::Lock> locks,
                               const Produce& produce) = 0;

  /// The same for an answer that depends on a set of rows: `generation` is its generation entry, filled under `locks`;
  /// the entry itself lives under the generation's token.
  virtual Fetched read_list(const Key& generation, std::span<const storage::Lock> locks,
                            const std::string& query_digest, const Produce& produce) = 0;
};

struct CacheCounters;  // cache/counters.hpp

}  // namespace codasync::cache
