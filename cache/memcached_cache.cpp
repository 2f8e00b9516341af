#include "cache/memcached_cache.hpp"

#include <cassert>
#include <chrono>
#include <numeric>
#include <thread>
#include <utility>

#include "cache/address.hpp"
#include "cache/generation_token.hpp"
#include "cache/list_entry.hpp"
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
                               Observer& observer, const SlotIdentities* identities)
    : answer_timeout_{options.answer_timeout}, database_{database}, observer_{observer} {
  for (const auto& text : options.servers) {
    const auto address = parse_address(text);
    assert(address);
    servers_.push_back(
        std::make_unique<Server>(servers_.size(), *address, options, observer, identities));
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

ReadPath MemcachedCache::read_list(const Key& generation, Locks locks, const std::string& address,
                                   ListSource& source) {
  const ReadPath path = servers_.empty() ? uncached(source, ReadPath::unavailable)
                                         : fetch_list(generation, locks, address, source);
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

ReadPath MemcachedCache::fetch_list(const Key& generation, Locks locks, const std::string& address,
                                    ListSource& source) {
  Server& home = server_of(generation);
  const Key place = list_place(address);
  for (const auto pause : kRetryPauses) {
    std::this_thread::sleep_for(pause);
    const auto [token, stored] = home.find(generation, place, Probe::yes);
    if (token.state == LookupState::unavailable) return uncached(source, ReadPath::unavailable);
    if (token.state == LookupState::hit && is_generation_token(token.bytes)) {
      if (stored.state == LookupState::hit) {
        const auto list = parse_list_entry(stored.bytes);
        const bool current = list && list->token == token.bytes && list->address == address;
        if (current && source.decode(list->content)) return ReadPath::hit;
        if (current || !list) home.discard(place);
      }
      return fill_list(home, place, token.bytes, address, source);
    }
    if (token.state == LookupState::hit) home.discard(generation);

    if (auto lease = home.lease(generation)) {
      const auto made = make_generation(home, std::move(*lease), locks);
      if (!made) return uncached(source, made.error());
      return fill_list(home, place, *made, address, source);
    }
  }
  return uncached(source, ReadPath::lease_lost);
}

/// Stores a new token under the locks, which are free again when this returns.
Outcome<std::string, ReadPath> MemcachedCache::make_generation(Server& home, Server::Lease lease,
                                                               Locks locks) {
  failpoint::reach("lease-held");
  const auto held = database_.try_fill(locks);
  if (!held) return ReadPath::lock_busy;
  failpoint::reach("before-cas");
  auto token = make_generation_token();
  if (!held->may_store(home.slot()) || !lease.store({token, held->started_at()}))
    return ReadPath::not_stored;
  return token;
}

/// Reads a list after its token was read, so that a writer whose change it does not show ends that
/// generation, and with it the entry. So the entry needs neither locks nor a lease.
ReadPath MemcachedCache::fill_list(Server& home, const Key& place, const std::string& token,
                                   const std::string& address, ListSource& source) {
  const auto begun_at = now();
  if (!source.produce()) return ReadPath::not_stored;
  const auto entry = make_list_entry(token, address, source.encode());
  const bool stored = entry && home.put(place, {*entry, begun_at, source.changes_at()});
  return stored ? ReadPath::filled : ReadPath::not_stored;
}

ReadPath MemcachedCache::uncached(ListSource& source, ReadPath path) {
  source.produce();
  return path;
}

Server& MemcachedCache::server_of(const Key& key) const {
  return *servers_[slot_of(key, servers_.size())];
}

}  // namespace codasync::cache
