#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache/key.hpp"
#include "cache/observer.hpp"
#include "storage/database.hpp"

namespace codasync::cache {

struct Lookup {
  LookupState state;
  std::string bytes;  // empty unless a hit
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

/// Returns: whether bytes are of the form that Produce makes. Anybody who reaches a server can
/// store others: they are a miss, and deleted.
using Valid = std::function<bool(std::string_view)>;

/// The cache protocol (cache/README.md): what it returns is never older than what a writer was
/// told. Threads: safe concurrently.
class Cache {
 public:
  virtual ~Cache() = default;

  /// Looks entries up, all in one round trip to each server: that is what makes look-ups on an
  /// event loop cheap. Returns: one answer for each key, in their order. A lease placeholder is a
  /// miss. Blocks for that round trip, never for the database. A server that failed is left alone
  /// until a read_through() or read_list() found it well again, so that an event loop pays for a
  /// failure once and never probes.
  virtual std::vector<Lookup> lookup(std::span<const Key> keys) = 0;

  /// Returns: the entry, which `valid` accepted, or what `produce` makes of the database, stored
  /// under the protocol where that is possible; of all calls of the two the last one made the
  /// answer. `locks` names everything that `produce` reads, with the modes of
  /// cache/README.md. Waits up to about 15 ms for somebody else who fills the entry: not for an
  /// event loop. Throws: what the database and `produce` throw; never because of Memcached.
  virtual Fetched read_through(const Key& key, std::span<const storage::Lock> locks,
                               const Valid& valid, const Produce& produce) = 0;

  /// The same for an answer that depends on a set of rows: `generation` is its generation entry,
  /// filled under `locks`; the entry itself lives under the generation's token. `query_digest` (up
  /// to 200 characters of a-z, 0-9 and `-`) stands for everything else that the answer depends on:
  /// the canonical query, and today's date where the rows are compared with it.
  virtual Fetched read_list(const Key& generation, std::span<const storage::Lock> locks,
                            const std::string& query_digest, const Valid& valid,
                            const Produce& produce) = 0;
};

}  // namespace codasync::cache
