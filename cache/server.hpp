#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "cache/cache.hpp"
#include "cache/connection.hpp"
#include "cache/pool.hpp"
#include "cache/rest.hpp"
#include "storage/model/time.hpp"

namespace codasync::cache {

/// May a call find out whether a server that failed is well again?
enum class Probe { no, yes };

/// One Memcached server: its connections, and whether it is worth asking.
/// Threads: safe concurrently.
class Server {
 public:
  /// `observer` must outlive the server.
  Server(std::size_t slot, const Address& address, const MemcachedOptions& options,
         Observer& observer);

  [[nodiscard]] std::size_t slot() const noexcept { return slot_; }

  /// A key and the place for its answer.
  struct Wanted {
    const Key* key;
    Lookup* answer;
  };

  /// Answers all in one round trip. A lease's placeholder is a miss. An entry beyond its end is
  /// `unavailable`: the server's clock, or ours, is wrong.
  void find(std::span<const Wanted> wanted, Probe probe);

  Lookup find(const Key& key, Probe probe);

  /// Stores an entry of data that was read at `begun_at` or later.
  /// Returns: whether it was stored, whatever was there before.
  bool put(const Key& key, std::string_view bytes, Instant begun_at);

  /// Deletes a malformed entry, if that can be done now. What was stored there meanwhile goes with
  /// it, which is only a miss.
  void discard(const Key& key);

  /// The right to fill one entry, once: a placeholder in Memcached, and its id together with the
  /// connection on which it was read. It ends with the first of: store(), somebody's delete,
  /// lease_ttl, the connection, or the server's process. The destructor takes the placeholder away
  /// again.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : server_{other.server_},
          key_{std::move(other.key_)},
          connection_{std::exchange(other.connection_, std::nullopt)},
          cas_{other.cas_} {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() { drop(); }

    /// Stores data that was read at `begun_at` or later.
    /// Returns: whether it is stored, which it is only if the lease was still good.
    bool store(std::string_view bytes, Instant begun_at);
    /// Gives the right up, so that others need not wait for it.
    void drop();

   private:
    friend class Server;
    Lease(Server& server, Key key, Pool<Connection>::Handle connection, std::uint64_t cas);

    Server* server_;
    Key key_;
    std::optional<Pool<Connection>::Handle> connection_;  // nothing: it is over
    std::uint64_t cas_;
  };

  /// Returns: the lease, or nothing when somebody else has it, or nobody can have it now.
  std::optional<Lease> lease(const Key& key);

 private:
  [[nodiscard]] std::uint32_t end_of(Instant begun_at) const;

  /// Learns from a reply; `connection` gave it.
  void note(Reply reply, const Connection& connection);

  // Fixed after construction.
  const std::size_t slot_;
  const MemcachedOptions options_;
  Observer& observer_;

  // Have their own locks. Leases are held while a database works, and lookups must not wait for
  // that.
  Pool<Connection> lookups_;
  Pool<Connection> leases_;
  Rest rest_;
};

}  // namespace codasync::cache
