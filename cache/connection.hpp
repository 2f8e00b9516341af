#pragma once

#include <libmemcached/memcached.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cache/address.hpp"
#include "cache/key.hpp"
#include "cache/options.hpp"

namespace codasync::cache {

/// Larger values are not sent: an item of Memcached is 1 MiB with its key and head. A larger value
/// that is received, from a server with larger items, is read as empty, which no process stores.
inline constexpr std::size_t kValueBytesMax = 1'000'000;

/// The result of a command.
enum class Reply {
  yes,          // found, stored
  no,           // not found, not stored, or the id of the compare-and-swap has changed
  rejected,     // the server replied with an error: too large, out of memory
  no_response,  // no connection, no reply in time, or not a valid one
};

/// An entry as Memcached stores it.
struct Entry {
  std::string bytes;
  std::uint32_t flags{0};
  std::uint64_t cas{0};  // never 0 in an entry that was found
};

/// One libmemcached handle with exactly one server. It connects on first use. After any reply but
/// yes and no it stays unusable: a late reply, or a reply to half a command, must not be read as
/// the reply to the next command (cache/README.md, traps). Threads: one at a time.
class Connection {
 public:
  /// Throws: TextFailure while the name of the server is not resolved.
  Connection(const Address& address, const MemcachedOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  using Found = std::function<void(std::size_t, Entry)>;

  /// Sends a look-up of all keys and does not wait for the reply. Returns: yes when it was sent.
  /// Requires: after a yes, the next call is receive().
  Reply send_get(std::span<const Key* const> keys);
  /// Reads the reply to send_get() of the same keys. Waits until `deadline`; after it, only for the
  /// rest of a reply that has started to arrive. `found` is called for each entry that exists, with
  /// the position of its key. Returns: yes when the reply is complete, also without entries.
  Reply receive(std::span<const Key* const> keys, const Found& found,
                std::chrono::steady_clock::time_point deadline);

  /// Looks one key up within answer_timeout.
  Reply get(const Key& key, Entry& entry);
  /// Stores an entry: add() only in an empty place, set() whatever is there.
  Reply add(const Key& key, std::string_view bytes, std::uint32_t flags, std::chrono::seconds ttl);
  Reply set(const Key& key, std::string_view bytes, std::uint32_t flags, std::chrono::seconds ttl);
  /// Stores an entry in place of the one with the id `cas`. Requires: the id was read on this
  /// connection, because each process of a server counts ids from 1.
  Reply replace(const Key& key, std::string_view bytes, std::uint32_t flags,
                std::chrono::seconds ttl, std::uint64_t cas);
  /// Returns: no when there is no entry.
  Reply remove(const Key& key);
  /// Removes the entry if it still has this id. Requires: as replace().
  Reply remove(const Key& key, std::uint64_t cas);

  [[nodiscard]] bool usable() const noexcept { return usable_ && !reply_missing_; }

  /// Returns: the last error, for the log.
  [[nodiscard]] std::string explain() const;

 private:
  struct Free {
    void operator()(memcached_st* handle) const noexcept { memcached_free(handle); }
  };

  Reply judge(memcached_return_t code);

  void limit_poll(std::chrono::milliseconds timeout);

  const std::chrono::milliseconds answer_timeout_;
  std::unique_ptr<memcached_st, Free> handle_;
  // Reused, so that a hit allocates nothing here. A member, because libmemcached frees a result
  // that it allocated itself at the end of each reply.
  memcached_result_st result_{};
  bool usable_{true};
  bool reply_missing_{false};  // between send_get() and receive()
};

}  // namespace codasync::cache
