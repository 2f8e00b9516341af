#pragma once

#include <libmemcached/memcached.h>

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

/// Values above this are not sent: an item of Memcached is 1 MiB with its key and head. One that is
/// received, from a server with larger items, is empty: no process stores an empty value.
inline constexpr std::size_t kValueBytesMax = 1'000'000;

/// What a server said, or did not say.
enum class Reply {
  yes,      // found, stored
  no,       // not found, not stored, or the compare-and-swap came too late
  refused,  // the server is there and will not do it: too large, out of memory
  silent,   // no connection, no answer in time, or none that makes sense
};

/// An entry as Memcached keeps it.
struct Entry {
  std::string bytes;
  std::uint32_t flags{0};
  std::uint64_t cas{0};  // never 0 in an entry that was found
};

/// One libmemcached handle with exactly one server behind it. It connects on first use. After any
/// reply but yes and no it is unusable for ever: what a server answers late, or to half a command,
/// must not become the answer to the next question (cache/README.md, traps).
/// Threads: one at a time.
class Connection {
 public:
  Connection(const Address& address, const MemcachedOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Asks for all at once. `found` is called for each key that is there, with its place in `keys`.
  /// Returns: yes when all is said, whatever was found.
  Reply get(std::span<const Key* const> keys, const std::function<void(std::size_t, Entry)>& found);
  Reply get(const Key& key, Entry& entry);
  Reply add(const Key& key, std::string_view bytes, std::uint32_t flags, std::chrono::seconds ttl);
  Reply set(const Key& key, std::string_view bytes, std::uint32_t flags, std::chrono::seconds ttl);
  /// Requires: `cas` was read on this connection. Ids start again with each process of a server.
  Reply replace(const Key& key, std::string_view bytes, std::uint32_t flags,
                std::chrono::seconds ttl, std::uint64_t cas);
  Reply remove(const Key& key);
  /// Removes the entry if it still has this id. Requires: as replace().
  Reply remove(const Key& key, std::uint64_t cas);

  [[nodiscard]] bool usable() const noexcept { return usable_; }

  /// Returns: what went wrong last, for the log.
  [[nodiscard]] std::string explain() const;

 private:
  struct Free {
    void operator()(memcached_st* handle) const noexcept { memcached_free(handle); }
  };

  Reply judge(memcached_return_t code);

  std::unique_ptr<memcached_st, Free> handle_;
  // Reused, so that a hit allocates nothing here. A member, because libmemcached frees one that it
  // allocated itself as soon as an answer ends.
  memcached_result_st result_{};
  bool usable_{true};
};

}  // namespace codasync::cache
