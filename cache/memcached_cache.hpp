#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "cache/cache.hpp"
#include "cache/server.hpp"

namespace codasync::cache {

/// The protocol of cache/README.md with Memcached.
class MemcachedCache final : public Cache {
 public:
  /// Requires: the options are valid. `database` and `observer` must outlive the cache.
  MemcachedCache(const MemcachedOptions& options, storage::Database& database, Observer& observer);

  std::vector<Lookup> lookup(std::span<const Key> keys) override;
  ReadPath read_through(const Key& key, std::span<const storage::Lock> locks,
                        Source& source) override;
  ReadPath read_list(const Key& generation, std::span<const storage::Lock> locks,
                     const std::string& query_digest, Source& source) override;
  ReadPath read_page(std::span<const PageRow> rows, PageSource& source) override;

 private:
  using Locks = std::span<const storage::Lock>;

  ReadPath fetch_list(const Key& generation, Locks locks, const std::string& query_digest,
                      Source& source);

  /// Stores an entry while the fill locks are held. Returns: whether it is stored.
  using Store = std::function<bool(const storage::Fill&, Server::Lease&, const NewEntry& entry)>;
  ReadPath fill(Server::Lease lease, Locks locks, Source& source, const Store& store);
  ReadPath uncached(Source& source, ReadPath path);

  [[nodiscard]] Server& server_of(const Key& key) const;

  const std::chrono::milliseconds answer_timeout_;
  storage::Database& database_;
  Observer& observer_;
  std::vector<std::unique_ptr<Server>> servers_;  // by slot; each has its own locks
};

}  // namespace codasync::cache
