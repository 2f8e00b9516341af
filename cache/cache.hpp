#pragma once

#include <optional>
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

/// The result of one read, as the cache needs it. A derived class produces it. Threads: called on
/// the thread that called the cache.
class EntrySource {
 public:
  virtual ~EntrySource() = default;

  /// Reads the bytes of an entry. Returns: whether encode() can have made them. Any program with
  /// access to a server can store others: such an entry is a miss, and is deleted.
  virtual bool decode(std::string_view entry) = 0;

  /// Returns: the entry for what was produced last.
  [[nodiscard]] virtual std::string encode() const = 0;

  /// Returns: when what was produced last changes without a write, by the database's clock; the
  /// entry is not used any more then. Nothing: never.
  [[nodiscard]] virtual std::optional<Instant> changes_at() const = 0;
};

/// A result that is read under the locks of a fill.
class Source : public EntrySource {
 public:
  /// Reads the database. Returns: whether the result may be stored (a 404 is not). May throw.
  virtual bool produce(storage::Reader& reader) = 0;
};

/// A list, which is read without locks.
class ListSource : public EntrySource {
 public:
  /// Reads the database, in statements that start after this call, or rows through the cache.
  /// Returns: whether the result may be stored. May throw.
  virtual bool produce() = 0;
};

/// A row of a page, and everything that its entry contains as locks, with the modes of
/// cache/README.md.
struct PageRow {
  Key key;
  std::vector<storage::Lock> locks;
  bool cached{true};  // false: it is read from the database, and no entry is made
};

/// A page of rows that are cached one by one, as the cache needs it. Rows have numbers: their
/// positions in the page; no two have the same key. Threads: called on the thread that called the
/// cache.
class PageSource {
 public:
  virtual ~PageSource() = default;

  /// As Source::decode().
  virtual bool decode(std::size_t row, std::string_view entry) = 0;

  /// Reads these rows, with one statement. May throw.
  virtual void produce(storage::Reader& reader, std::span<const std::size_t> rows) = 0;

  /// Returns: the entry for what produce() read; nothing when it may not be stored.
  [[nodiscard]] virtual std::optional<std::string> encode(std::size_t row) const = 0;

  /// As Source::changes_at().
  [[nodiscard]] virtual std::optional<Instant> changes_at(std::size_t row) const = 0;

  /// These rows are decoded or produced, and the cache does not call for them any more. Each row is
  /// ready once, unless the call throws. Must not throw.
  virtual void ready(std::span<const std::size_t> /*rows*/) {}
};

/// The cache protocol (cache/README.md): no result is older than the last write that was
/// acknowledged. Threads: safe concurrently.
class Cache {
 public:
  virtual ~Cache() = default;

  /// Looks entries up in one round trip to each server, which makes look-ups on an event loop
  /// cheap. Returns: one result for each key, in their order. A lease placeholder is a miss. Blocks
  /// for that round trip, never for the database. A server that failed is not used until a
  /// read_through() or read_list() succeeded on it, so that a failure delays an event loop only
  /// once.
  virtual std::vector<Lookup> lookup(std::span<const Key> keys) = 0;

  /// Makes `source` decode the entry, or produce it from the database and store it under the
  /// protocol where that is possible; the last of its calls made the result. `locks` names
  /// everything that produce() reads, with the modes of cache/README.md. Waits up to about 15 ms
  /// while another fill of the entry runs: not for an event loop. Throws: what the database and
  /// `source` throw; never because of Memcached.
  virtual ReadPath read_through(const Key& key, std::span<const storage::Lock> locks,
                                Source& source) = 0;

  /// The same for a result that depends on a set of rows: `generation` is its generation entry,
  /// filled under `locks`. `address` stands for everything else that the result depends on: the
  /// path, and the canonical query. Requires: it is made of printable ASCII without blanks.
  virtual ReadPath read_list(const Key& generation, std::span<const storage::Lock> locks,
                             const std::string& address, ListSource& source) = 0;

  /// The same for rows that are cached one by one: one look-up for each server, and for all missing
  /// ones one transaction with one query. Returns: the path of the missing rows, `hit` without any;
  /// if there are several, the one that is furthest from a hit.
  virtual ReadPath read_page(std::span<const PageRow> rows, PageSource& source) = 0;
};

}  // namespace codasync::cache
