#pragma once

#include <memory>
#include <vector>

#include "cache/cache.hpp"
#include "cache/server.hpp"

namespace codasync::cache {

/// The protocol of cache/README.md over Memcached.
class MemcachedCache final : public Cache {
 public:
  /// Requires: problems(options) is empty. `database` and `observer` must outlive the cache.
  MemcachedCache(const MemcachedOptions& options, storage::Database& database, Observer& observer);

  std::vector<Lookup> lookup(std::span<const Key> keys) override;
  Fetched read_through(const Key& key, std::span<const storage::Lock> locks, const Valid& valid,
                       const Produce& produce) override;
  Fetched read_list(const Key& generation, std::span<const storage::Lock> locks,
                    const std::string& query_digest, const Valid& valid,
                    const Produce& produce) override;

 private:
  using Locks = std::span<const storage::Lock>;

  Fetched fetch(const Key& key, Locks locks, const Valid& valid, const Produce& produce);
  Fetched fetch_list(const Key& generation, Locks locks, const std::string& query_digest,
                     const Valid& valid, const Produce& produce);

  /// Stores what was produced, while the fill locks are held. Returns: whether it is stored.
  using Store = std::function<bool(const storage::Fill&, Server::Lease&, const std::string& bytes)>;
  Fetched fill(Server::Lease lease, Locks locks, const Produce& produce, const Store& store);
  Fetched uncached(const Produce& produce, ReadPath path);

  [[nodiscard]] Server& server_of(const Key& key) const;

  storage::Database& database_;
  Observer& observer_;
  std::vector<std::unique_ptr<Server>> servers_;  // by slot; each has its own locks
};

}  // namespace codasync::cache
