#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "cache/cache.hpp"
#include "cache/server.hpp"
#include "storage/model/outcome.hpp"

namespace codasync::cache {

/// The protocol of cache/README.md with Memcached.
class MemcachedCache final : public Cache {
 public:
  /// Requires: the options are valid. `database`, `observer` and `identities` must outlive the
  /// cache. Without `identities` connections are not checked.
  MemcachedCache(const MemcachedOptions& options, storage::Database& database, Observer& observer,
                 const SlotIdentities* identities = nullptr);

  std::vector<Lookup> lookup(std::span<const Key> keys) override;
  ReadPath read_through(const Key& key, std::span<const storage::Lock> locks,
                        Source& source) override;
  ReadPath read_list(const Key& generation, std::span<const storage::Lock> locks,
                     const std::string& address, ListSource& source) override;
  ReadPath read_page(std::span<const PageRow> rows, PageSource& source) override;

 private:
  using Locks = std::span<const storage::Lock>;

  ReadPath fetch_list(const Key& generation, Locks locks, const std::string& address,
                      ListSource& source);
  Outcome<std::string, ReadPath> make_generation(Server& home, Server::Lease lease, Locks locks);
  static ReadPath fill_list(Server& home, const Key& place, const std::string& token,
                            const std::string& address, ListSource& source);
  static ReadPath uncached(ListSource& source, ReadPath path);

  [[nodiscard]] Server& server_of(const Key& key) const;

  const std::chrono::milliseconds answer_timeout_;
  storage::Database& database_;
  Observer& observer_;
  std::vector<std::unique_ptr<Server>> servers_;  // by slot; each has its own locks
};

}  // namespace codasync::cache
