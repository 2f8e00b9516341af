#include "cache/memcached_cache.hpp"

#include <cassert>
#include <chrono>
#include <numeric>
#include <thread>
#include <utility>

#include "cache/address.hpp"
#include "cache/generation_token.hpp"
#include "cache/page_read.hpp"
#include "cache/retry_pauses.hpp"
#include "storage/errors.hpp"
#include "storage/failpoint.hpp"

namespace codasync::cache {
namespace {

/// A single entry as a page of one row.
class OneRow final : public PageSource {
 public:
  explicit OneRow(Source& source) : source_{source} {}

  bool decode(std::size_t, std::string_view entry) override { return source_.decode(entry); }
  void produce(storage::Reader& reader, std::span<const std::size_t>) override {
    may_be_stored_ = source_.produce(reader);
  }
  [[nodiscard]] std::optional<std::string> encode(std::size_t) const override {
    return may_be_stored_ ? std::optional{source_.encode()} : std::nullopt;
  }
  [[nodiscard]] std::optional<Instant> changes_at(std::size_t) const override {
    return source_.changes_at();
  }

 private:
  Source& source_;
  bool may_be_stored_{false};
};

}  // namespace

MemcachedCache::MemcachedCache(const MemcachedOptions& options, storage::Database& database,
                               Observer& observer)
    : answer_timeout_{options.answer_timeout}, database_{database}, observer_{observer} {
  for (const auto& text : options.servers) {
    const auto address = parse_address(text);
    assert(address);
    servers_.push_back(std::make_unique<Server>(servers_.size(), *address, options, observer));
  }
}

std::vector<Lookup> MemcachedCache::lookup(std::span<const Key> keys) {
  std::vector<Lookup> found(keys.size(), {LookupState::unavailable, {}});
  std::vector<std::vector<Server::Request>> requests(servers_.size());
  for (std::size_t i = 0; i < keys.size() && !servers_.empty(); ++i)
    requests[server_of(keys[i]).slot()].push_back({&keys[i], &found[i]});

  // All look-ups are sent before the first reply is read, so the servers work at the same time.
  std::vector<Server::PendingLookup> pending;
  const auto send_until = Server::Clock::now() + answer_timeout_;
  for (const auto& server : servers_) {
    const auto& own = requests[server->slot()];
    if (own.empty()) continue;
    if (auto sent = server->send_lookup(own, Probe::no, send_until))
      pending.push_back(std::move(*sent));
  }
  const auto receive_until = Server::Clock::now() + answer_timeout_;
  for (auto& each : pending) each.finish(receive_until);
  for (const auto& lookup : found) observer_.looked_up(lookup.state);
  return found;
}

ReadPath MemcachedCache::read_through(const Key& key, Locks locks, Source& source) {
  const PageRow row{key, {locks.begin(), locks.end()}};
  OneRow page{source};
  return read_page({&row, 1}, page);
}

ReadPath MemcachedCache::read_list(const Key& generation, Locks locks,
                                   const std::string& query_digest, Source& source) {
  const ReadPath path = servers_.empty() ? uncached(source, ReadPath::unavailable)
                                         : fetch_list(generation, locks, query_digest, source);
  observer_.read(path);
  return path;
}

ReadPath MemcachedCache::read_page(std::span<const PageRow> rows, PageSource& source) {
  if (!servers_.empty())
    return PageRead{servers_, answer_timeout_, database_, observer_, rows, source}.run();
  std::vector<std::size_t> all(rows.size());
  std::iota(all.begin(), all.end(), 0);
  source.produce(*database_.read(), all);
  for (std::size_t i = 0; i < all.size(); ++i) observer_.read(ReadPath::unavailable);
  source.ready(all);
  return ReadPath::unavailable;
}

ReadPath MemcachedCache::fetch_list(const Key& generation, Locks locks,
                                    const std::string& query_digest, Source& source) {
  Server& home = server_of(generation);
  for (const auto pause : kRetryPauses) {
    std::this_thread::sleep_for(pause);
    const Lookup token = home.find(generation, Probe::yes);
    if (token.state == LookupState::unavailable) return uncached(source, ReadPath::unavailable);

    const bool has_token = token.state == LookupState::hit && is_generation_token(token.bytes);
    if (token.state == LookupState::hit && !has_token) home.discard(generation);
    const std::string name = has_token ? token.bytes : make_generation_token();
    const Key entry = list_entry(name, query_digest);
    Server& server = server_of(entry);
    if (has_token) {
      const Lookup found = server.find(entry, Probe::yes);
      if (found.state == LookupState::unavailable) return uncached(source, ReadPath::unavailable);
      if (found.state == LookupState::hit) {
        if (source.decode(found.bytes)) return ReadPath::hit;
        server.discard(entry);
      }
    }

    const auto may_store = [&](const storage::Fill& held) {
      return held.may_store(home.slot()) && held.may_store(server.slot());
    };
    if (auto lease = has_token ? server.lease(entry) : home.lease(generation)) {
      return fill(std::move(*lease), locks, source,
                  [&](const storage::Fill& held, Server::Lease& mine, const NewEntry& made) {
                    if (!may_store(held)) return false;
                    // Other readers cannot have a new token before it is stored, so the entry can
                    // be stored first.
                    if (!has_token)
                      return server.put(entry, made) && mine.store({name, made.begun_at});
                    // The token is still stored while the locks are held: no writer has changed
                    // these rows since it was made.
                    return home.find(generation, Probe::no).bytes == name && mine.store(made);
                  });
    }
  }
  return uncached(source, ReadPath::lease_lost);
}

ReadPath MemcachedCache::fill(Server::Lease lease, Locks locks, Source& source,
                              const Store& store) {
  failpoint::reach("lease-held");
  auto held = database_.try_fill(locks);
  if (!held) {
    lease.drop();
    return uncached(source, ReadPath::lock_busy);
  }
  bool may_be_stored = false;
  try {
    may_be_stored = source.produce(held->reader());
  } catch (const Unavailable&) {  // slower than writers may wait
    lease.drop();
    held = nullptr;
    return uncached(source, ReadPath::not_stored);
  }
  failpoint::reach("before-cas");
  if (!may_be_stored) return ReadPath::not_stored;
  const std::string bytes = source.encode();
  const bool stored = store(*held, lease, {bytes, held->started_at(), source.changes_at()});
  return stored ? ReadPath::filled : ReadPath::not_stored;
}

ReadPath MemcachedCache::uncached(Source& source, ReadPath path) {
  source.produce(*database_.read());
  return path;
}

Server& MemcachedCache::server_of(const Key& key) const {
  return *servers_[slot_of(key, servers_.size())];
}

}  // namespace codasync::cache
