#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/cache.hpp"
#include "cache/circuit_breaker.hpp"
#include "cache/connection.hpp"
#include "cache/entry_expiry.hpp"
#include "cache/entry_seal.hpp"
#include "cache/pool.hpp"
#include "cache/slot_identity.hpp"
#include "cache/text_connection.hpp"
#include "storage/model/time.hpp"

namespace codasync::cache {

/// Whether a call may try a server whose circuit is not closed.
enum class Probe { no, yes };

/// What is stored: `bytes` of data that was read at `begun_at` or later, and that changes without a
/// write at `changes_at` (nothing: never).
struct NewEntry {
  std::string_view bytes;
  Instant begun_at;
  std::optional<Instant> changes_at{};
};

/// One Memcached server: its connections and its circuit breaker.
/// Threads: safe concurrently.
class Server {
 public:
  /// `observer` and `identities` must outlive the server. Without `identities` connections are not
  /// checked.
  Server(std::size_t slot, const Address& address, const MemcachedOptions& options,
         Observer& observer, const SlotIdentities* identities = nullptr);

  [[nodiscard]] std::size_t slot() const noexcept { return slot_; }

  /// A key and the place for its result.
  struct Request {
    const Key* key;
    Lookup* result;
  };

  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  /// A look-up that was sent, and whose reply has to be read.
  class PendingLookup {
   public:
    /// Reads the reply, waits until `deadline`, and sets all results. A lease's placeholder is a
    /// miss. An entry after its expiry is `unavailable`: the clock of the server, or of this
    /// machine, is wrong. An entry without a valid seal is a hit without bytes, which no process
    /// stores.
    void finish(Time deadline);

   private:
    friend class Server;
    PendingLookup(Server& server, std::span<const Request> requests, std::vector<const Key*> keys,
                  Pool<Connection>::Handle connection);

    Server* server_;
    std::span<const Request> requests_;
    std::vector<const Key*> keys_;
    Pool<Connection>::Handle connection_;
    Instant sent_at_;
  };

  /// Sends a look-up and does not wait for its reply, so that those of several servers overlap.
  /// Waits for a free connection until `deadline`, and connects if necessary. `requests` must
  /// outlive the result. Returns: nothing when the server is not available now, which is then the
  /// state of all results.
  std::optional<PendingLookup> send_lookup(std::span<const Request> requests, Probe probe,
                                           Time deadline);

  /// Looks two keys up within answer_timeout, as above, in one message.
  std::pair<Lookup, Lookup> find(const Key& first, const Key& second, Probe probe);

  /// Stores an entry, whatever was there before. Returns: whether it was stored.
  bool put(const Key& key, const NewEntry& entry);

  /// Deletes a malformed entry, if that is possible now. An entry that was stored meanwhile is
  /// deleted too, which is only a miss.
  void discard(const Key& key);

  /// The exclusive right to fill one entry, once: a placeholder in Memcached, and its id together
  /// with the connection on which it was read. It ends with the first of: store(), a delete of the
  /// entry, lease_ttl, the connection, or the server's process. The destructor removes the
  /// placeholder.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : server_{other.server_},
          key_{std::move(other.key_)},
          connection_{std::exchange(other.connection_, std::nullopt)},
          cas_{other.cas_} {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() { drop(); }

    /// Returns: whether the entry is stored, which needs a lease that is still valid.
    bool store(const NewEntry& entry);
    /// Ends the lease, so that others do not have to wait for it.
    void drop();

   private:
    friend class Server;
    Lease(Server& server, Key key, Pool<Connection>::Handle connection, std::uint64_t cas);

    Server* server_;
    Key key_;
    std::optional<Pool<Connection>::Handle> connection_;  // nothing: it has ended
    std::uint64_t cas_;
  };

  /// Returns: the lease, or nothing when another filler has it, or no lease is possible now.
  std::optional<Lease> lease(const Key& key);

  // For pages of rows (page_read.hpp).

  /// A connection on which rows are looked up and, if they are missing, filled.
  using RowConnection = Pool<TextConnection>::Handle;
  /// Returns: nothing when the server is not available now.
  std::optional<RowConnection> row_connection();
  // After a round on a row connection: the result for the circuit breaker, and for the observer.
  void note_success() { circuit_.record_success(); }
  void note_failure(std::string_view log_detail);
  void note_malformed() { observer_.malformed(slot_); }

  [[nodiscard]] const EntrySeal& seal() const noexcept { return seal_; }

  [[nodiscard]] std::chrono::seconds lease_ttl() const noexcept { return options_.lease_ttl; }

  /// Returns: how long an entry can be used; nothing for one that is too large, or ends too soon to
  /// be worth storing.
  [[nodiscard]] std::optional<EntryLife> life_of(const NewEntry& entry) const;

 private:
  /// Throws: TextFailure when another process responds, or none.
  [[nodiscard]] std::unique_ptr<Connection> connect(const Address& address) const;
  /// Returns: a connection; nothing when none is free for `timeout`, or none can be made.
  std::optional<Pool<Connection>::Handle> acquire(Pool<Connection>& pool,
                                                  std::chrono::milliseconds timeout);
  /// Updates the circuit breaker after a reply of `connection`.
  void note(Reply reply, const Connection& connection);

  // Fixed after construction.
  const std::size_t slot_;
  const MemcachedOptions options_;
  const EntrySeal seal_;
  Observer& observer_;
  const SlotIdentities* const identities_;  // null: connections are not checked

  // Have their own locks. Separate pools, because a lease lasts as long as a query of the database,
  // and look-ups must not wait for that.
  Pool<Connection> lookups_;
  Pool<Connection> leases_;
  Pool<TextConnection> rows_;
  CircuitBreaker circuit_;
};

}  // namespace codasync::cache
